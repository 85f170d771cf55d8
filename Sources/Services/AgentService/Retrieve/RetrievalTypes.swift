package import Content
package import FleetModel

/// What a retrieval is to bring.
package struct RetrievalOrder: Sendable {
    let fleet: String
    let set: String
    /// nil: the newest that the keys of the set signed.
    let sequence: UInt64?
    let selection: PathSelection
    /// Hosts that may have it; who has is asked.
    let sources: [PlanSource]

    /// Makes the value from its parts; `sequence` nil is the newest release, no path is the whole set.
    package init(fleet: String, set: String, sequence: UInt64?, paths: [RelativePath], sources: [PlanSource]) {
        self.fleet = fleet
        self.set = set
        self.sequence = sequence
        selection = PathSelection(paths)
        self.sources = sources
    }
}

/// How far a retrieval is.
package struct RetrievalProgress: Sendable {
    /// What it does.
    package enum Phase: String, Sendable {
        /// Asking hosts what they have, and for the manifest.
        case ask
        /// Comparing what is in the folder already.
        case compare
        case fetch
    }

    package var phase = Phase.ask
    /// Bytes of files in this phase.
    package var bytes: UInt64 = 0
    package var totalBytes: UInt64 = 0
    /// Hosts that have sent something.
    package var sources = 0
}

/// What a retrieval did; printed as JSON (docs/reference/fetch.md).
package struct RetrievalSummary: Codable, Equatable, Sendable {
    package var version = 1
    package var set: String
    package var sequence: UInt64
    /// The root of the release's manifest.
    package var root: String
    package var directory: String
    /// Files of the selection.
    package var files: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Files that were there already, with the right bytes.
    package var presentFiles: UInt64 = 0
    package var fetchedFiles: UInt64 = 0
    /// Bytes of files that were put together from what was staged by an earlier run.
    package var resumedBytes: UInt64 = 0
    /// Bytes of answers by host, manifests and all.
    package var bytesBySource: [String: UInt64] = [:]
    /// Yanked paths that were left out, ascending.
    package var yanked: [String] = []
    /// Hosts that sent what is not true, ascending; nothing of it was kept.
    package var liars: [String] = []
    package var seconds = 0.0
}

/// Why a retrieval ended before it was done. What was fetched until then stays staged for the next one.
package enum RetrievalError: Error, CustomStringConvertible {
    /// No host could be asked, or none has the release.
    case noSource(reasons: [String])
    /// What hosts have of the fleet's metadata, or the release, is not what the trusted root leads to.
    case untrusted(any Error)
    /// The keys of the set signed no such release, or none at all.
    case noRelease(set: String, sequence: UInt64?, newest: UInt64?)
    /// The release has nothing at these paths.
    case noPath([RelativePath], sequence: UInt64)
    /// Things in the folder that a retrieval does not take away: places, and what stands there.
    case inTheWay([String])
    /// Another process fetches into the folder.
    case busy(directory: String)
    /// More bytes than there is room for.
    case noRoom(needed: UInt64, free: UInt64)
    /// The bytes of a file are not what the manifest says although each part of it is.
    case wrongFile(RelativePath)
    /// A signed manifest that this program cannot follow.
    case badManifest(String)

    package var description: String {
        switch self {
        case .noSource(let reasons):
            reasons.isEmpty ? "no host could be asked" : "no host has it: " + reasons.joined(separator: "; ")
        case .untrusted(let error): "refused: \(error)"
        case .noRelease(let set, let sequence, let newest):
            "no release \(sequence.map { "\($0) " } ?? "")of \(set) was published"
                + (newest.map { ", the newest is \($0)" } ?? "")
        case .noPath(let paths, let sequence):
            "release \(sequence) has no \(paths.map(\.description).joined(separator: ", no "))"
        case .inTheWay(let places): "in the way: " + places.joined(separator: "; ")
        case .busy(let directory): "another process fetches into \(directory)"
        case .noRoom(let needed, let free):
            "\(Quantity.describe(bytes: needed)) are to be fetched, and \(Quantity.describe(bytes: free)) are free"
        case .wrongFile(let path): "the bytes of \(path) are not what the manifest says"
        case .badManifest(let what): "the signed manifest makes no sense: \(what)"
        }
    }
}
