package import Content

/// The first message of a stream: what its opener wants. Every one that has a set names it, and is answered for that
/// set only.
package enum STOQRequest: Hashable, Sendable {
    /// The document of the release of a sequence, or of the head. The answer has one item, the document.
    case release(set: String, sequence: UInt64?)
    /// A changeset; one item, in parts if it is long.
    case changeset(set: String, ChangesetDigest)
    /// Manifest nodes; an item each.
    case nodes(set: String, [NodeDigest])
    /// Chunk lists; an item each.
    case chunkLists(set: String, [ChunkListDigest])
    /// Chunks; an item each.
    case chunks(set: String, [ChunkDigest])
    /// All nodes of the manifest with this root; the answer is a ``PackedTree``.
    case packedTree(set: String, NodeDigest)
    /// The list of yanked paths of a set; one item, an encoded `YankList`.
    case yanks(set: String)
    /// The documents of the fleet's TUF repository that are newer than those the asker has; `versions` is an encoded
    /// `MetadataVersions`. The answer has one item, encoded `RepositoryDocuments`.
    case metadata(versions: [UInt8])
    /// What a chunk log holds from an entry on. The answer has two items: the encoded state of the log before that entry
    /// (`ChunkLog`), and the entries up to `size`, in the file form of `ChunkLogHistory`.
    case chunkLog(set: String, from: UInt64, size: UInt64)
    /// To take part in the swarm of a release for as long as the stream is open; both sides send `SwarmMessage`s.
    case swarm(set: String, ReleaseDigest)
    /// What operators said of hosts that lost their standing. The answer has one item, an encoded `StandingList`.
    case standings
    /// Which mirrors are known to hold a release. The answer has one item, an encoded `ReceiptList`.
    case receipts(set: String, ReleaseDigest)
    /// An operator's command in JSON; the answers are messages of their own form.
    case command([UInt8])
    /// The same from the host itself, to its own agent: what nobody else may ask for.
    case ownCommand([UInt8])

    /// The most digests in one request.
    package static let digestLimit = 4_096
    /// The longest command.
    package static let commandLimit = 1 << 20
    /// The longest list of versions.
    package static let versionsLimit = 512 << 10

    /// What is asked for, in one word, for logs and errors.
    package var name: String {
        switch self {
        case .release: "release"
        case .changeset: "changeset"
        case .nodes: "nodes"
        case .chunkLists: "chunk lists"
        case .chunks: "chunks"
        case .packedTree: "packed tree"
        case .yanks: "yanked paths"
        case .metadata: "metadata"
        case .chunkLog: "chunk log"
        case .swarm: "swarm"
        case .standings: "standings"
        case .receipts: "receipts"
        case .command: "command"
        case .ownCommand: "command of its own host"
        }
    }

    /// The kind of stream for it. News is small and urgent: it never waits for bandwidth, so that a yanked path goes also
    /// where content is paused.
    package var streamKind: StreamKind {
        switch self {
        case .command, .ownCommand, .swarm: .control
        case .yanks, .metadata, .standings, .receipts: .interactive
        case .release, .changeset, .nodes, .chunkLists, .packedTree, .chunkLog: .metadata
        case .chunks: .bulk
        }
    }

    /// The set; nil for what is of the whole fleet.
    package var set: String? {
        switch self {
        case .release(let set, _), .changeset(let set, _), .nodes(let set, _), .chunkLists(let set, _),
            .chunks(let set, _), .packedTree(let set, _), .yanks(let set), .chunkLog(let set, _, _), .swarm(let set, _),
            .receipts(let set, _):
            set
        case .metadata, .standings, .command, .ownCommand: nil
        }
    }

    /// How many items may be answered; 0 where answers are of another form.
    package var itemCount: Int {
        switch self {
        case .release, .changeset, .yanks, .metadata, .standings, .receipts: 1
        case .nodes(_, let digests): digests.count
        case .chunkLists(_, let digests): digests.count
        case .chunks(_, let digests): digests.count
        case .chunkLog: 2
        case .packedTree, .command, .ownCommand, .swarm: 0
        }
    }
}
