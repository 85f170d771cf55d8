package import FleetModel

/// What an operator asks of one agent, as the JSON message that opens a control stream of STOQ.
///
/// Only a certificate with the role `operator` may send one; `adopt` only the agent's own host. Fields that a verb does not use are absent.
/// The agent answers with a sequence of ``AgentEvent`` messages; the last one is `done` or `failed`.
package struct AgentCommand: Codable, Equatable, Sendable {
    /// The verbs an agent knows.
    package enum Verb: String, Codable, Sendable {
        /// Ingest `source` as the next release of `set`; the draft comes back to be signed on the same stream.
        case publish
        /// Make the content of release `sequence` (the one before the head when absent) of `set` its next release; the
        /// draft comes back to be signed on the same stream.
        case rollback
        /// Re-hash (`quick`: stat) what the store holds of `set`, or of every set.
        case verify
        /// Make the Merkle proof of `path` in release `sequence` (the head when absent) of `set`.
        case proof
        /// List the releases that the store holds of `set`, or of every set.
        case releases
        /// List the entries of release `sequence` of `set`.
        case entries
        /// Drop what no kept release needs; with `dryRun` only say what that is.
        case collect
        /// List what changed from release `sequence` to release `other` of `set`.
        case diff
        /// Take the TUF documents in `metadata` and the list of yanked paths of `set`, if there are any, and answer with
        /// those that the host has. With `path`, only if the head of `set` has something there.
        case metadata
        /// Forget what `mirror` did as a source, so that it is asked again; the last event says whether anything was known.
        case pardon
        /// Take the tree at `source` into the store as files of `set`; only of an agent by its own host.
        case adopt
    }

    /// The version of this message; an agent refuses a newer one.
    package static let currentVersion = 1

    package var version: Int
    package var verb: Verb
    package var set: String?
    /// Publish and adopt: the directory on the agent's host.
    package var source: String?
    package var sequence: UInt64?
    package var other: UInt64?
    /// Proof: the bytes of the path.
    package var path: Base64Bytes?
    /// Metadata: encoded `RepositoryDocuments`.
    package var metadata: Base64Bytes?
    /// Metadata: an encoded `YankList` of `set`.
    package var yanked: Base64Bytes?
    /// Pardon: the name of the mirror.
    package var mirror: String?
    /// Adopt: the name of the chunk profile of the set's releases.
    package var chunkProfile: String?
    package var dryRun: Bool?
    package var quick: Bool?
    /// Publish and rollback: the release may take away more than hosts allow; its document says so.
    package var confirmDelete: Bool?
    /// Publish and rollback: the document of a release that was signed already; a draft of other bytes is refused.
    package var release: Base64Bytes?
    /// Publish and rollback: what fleet.yaml says of the set.
    package var policy: SetPolicy?

    package init(_ verb: Verb, set: String? = nil) {
        self.version = Self.currentVersion
        self.verb = verb
        self.set = set
    }
}
