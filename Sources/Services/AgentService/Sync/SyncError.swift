import Content
import FleetCertificates
import STOQ
import STOQTransport
import Store
import Swarm
import Trust
import UpdateFramework

/// Why a sync of a set failed.
enum SyncError: Error, CustomStringConvertible {
    /// No source could be asked, or none could answer.
    case noSource(set: String, reasons: [String])
    /// A source does not have what was asked for.
    case absent(what: String)
    /// A source answered with something else than what was asked for.
    case malformed(what: String, reason: String)
    /// A source takes too long for this.
    case tooSlow(what: String)
    /// A source gave another release than the plan says.
    case otherRelease(wanted: String, found: String)
    /// No source has this chunk.
    case missingChunk(ChunkDigest)
    /// The plan's line does not say what to fetch.
    case incompleteLine(set: String)
    /// The release is not one that this host accepts.
    case untrusted(any Error)

    /// Whether trying again, at this source or another, cannot help.
    var isFinal: Bool {
        switch self {
        case .incompleteLine: true
        // Newer metadata may make it right; what the release says of itself stays wrong.
        case .untrusted(let error): (error as? TrustError).map { !$0.isCuredByMetadata } ?? false
        case .noSource, .absent, .malformed, .tooSlow, .otherRelease, .missingChunk: false
        }
    }

    /// Whether `error` is the fault of a source or of the way to it, so that another source may do better; everything
    /// else is ours: the disk, the database, the release.
    static func blames(_ error: any Error) -> Bool {
        switch error {
        case let error as SyncError:
            // Metadata is not part of what the plan names, so another source may have newer or right one.
            if case .untrusted = error { true } else { !error.isFinal }
        case is UpdateError: true
        default: isLie(error) || error is STOQError || error is CredentialError
        }
    }

    /// How long a source that has no slot now asks to be left in peace; nil if that is not what is wrong.
    static func wait(askedFor error: any Error) -> Duration? {
        guard let error = error as? STOQError, error.origin == .peer, error.code == .busy else { return nil }
        return UploadSlots.wait(in: error.reason)
    }

    /// Whether a source that behaves could not have caused `error`, whatever it holds.
    static func isLie(_ error: any Error) -> Bool {
        switch error {
        case let error as SyncError:
            switch error {
            case .malformed, .otherRelease: true
            case .noSource, .absent, .tooSlow, .missingChunk, .incompleteLine, .untrusted: false
            }
        case let error as StoreError: error.isFaultOfSource
        default: error is CodecError || error is STOQAnswerError || error is ReleaseDocumentError
        }
    }

    var description: String {
        switch self {
        case .noSource(let set, let reasons):
            reasons.isEmpty
                ? "no source for \(set) could be asked" : "no source for \(set): " + reasons.joined(separator: "; ")
        case .absent(let what): "\(what) is not there"
        case .malformed(let what, let reason): "the answer for \(what) makes no sense: \(reason)"
        case .tooSlow(let what): "the answer for \(what) takes too long"
        case .otherRelease(let wanted, let found): "release \(found) came, \(wanted) was asked for"
        case .missingChunk(let digest): "no source has chunk \(digest)"
        case .incompleteLine(let set): "the plan names no release for \(set)"
        case .untrusted(let error): "the release is refused: \(error)"
        }
    }
}

extension StoreError {
    /// Whether bytes that a source sent were not what their digest says.
    var isFaultOfSource: Bool {
        switch self {
        case .wrongNode, .wrongChangeset, .wrongChunkList: true
        default: false
        }
    }
}
