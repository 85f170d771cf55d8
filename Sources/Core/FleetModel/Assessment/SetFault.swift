/// Why a set on a mirror is failing.
package enum SetFault: Sendable, Hashable {
    /// Paths were found bad and unlinked from the served tree.
    case badPaths(count: Int, missingBytes: UInt64)
    /// The served tree is not the release that it has the number of.
    case wrongRoot(sequence: UInt64, served: String?, released: String)
    /// Nothing that is a release is served, though a report named one before.
    case noTree(lastNamed: UInt64)
    /// An older release is served than a report named before: the link was moved by hand.
    case movedBack(sequence: UInt64, lastNamed: UInt64)
    /// Syncs failed again and again, or in a way that trying again cannot help.
    case failedSync(attempts: UInt64, isFinal: Bool, message: String)

    /// How many failed attempts in a row make a set failing; fewer are what a restarting source does to anyone.
    package static let failedAttemptLimit: UInt64 = 3

    /// Whether the served tree itself is not to be trusted, so that it is no replica.
    package var concernsTree: Bool {
        if case .failedSync = self { false } else { true }
    }

    /// The stable word for programs.
    package var code: String {
        switch self {
        case .badPaths: "bad-paths"
        case .wrongRoot, .noTree, .movedBack: "wrong-tree"
        case .failedSync: "failed-sync"
        }
    }

    /// A clause for people, with the figures.
    package var text: String {
        switch self {
        case .badPaths(let count, let missing):
            "\(count) bad \(count == 1 ? "path" : "paths"), \(Quantity.describe(bytes: missing)) to refetch"
        case .wrongRoot(let sequence, nil, _):
            "says it serves release \(sequence) and cannot read its root back"
        case .wrongRoot(let sequence, .some(let served), let released):
            "serves root \(served.prefix(12)) as release \(sequence), whose root is \(released.prefix(12))"
        case .noTree(let last):
            "its served link names no release, it was \(last) before"
        case .movedBack(let sequence, let last):
            "its served link names release \(sequence), it was \(last) before"
        case .failedSync(let attempts, let isFinal, let message):
            (isFinal ? "the sync failed for good: " : "\(attempts) syncs in a row failed: ") + message
        }
    }
}
