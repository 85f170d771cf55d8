package import Content

/// The first message of a stream: what is asked for. Every one names its set where it has one.
package enum STOQRequest: Sendable, Hashable {
    /// A signed release of `set`, the head when `sequence` is nil. Answer: one item.
    case release(set: String, sequence: UInt64?)
    /// A changeset. Answer: one item, in parts.
    case changeset(set: String, ChangesetDigest)
    /// Manifest nodes. Answer: one item for each, absent ones by number.
    case nodes(set: String, [NodeDigest])
    /// Chunk lists. Answer: as for nodes.
    case chunkLists(set: String, [ChunkListDigest])
    /// Chunks. Answer: one item for each, always whole, absent ones by number.
    case chunks(set: String, [ChunkDigest])
    /// A command of an operator, JSON. Answer: messages of JSON, not items.
    case command([UInt8])

    /// Most digests in one request.
    package static let digestLimit = 4_096
    /// Most bytes of a command.
    package static let commandByteLimit = 1 << 20
    /// Most bytes of a set's name.
    package static let setNameByteLimit = 63

    /// The word for logs and messages.
    package var name: String {
        switch self {
        case .release: "release"
        case .changeset: "changeset"
        case .nodes: "nodes"
        case .chunkLists: "chunk-lists"
        case .chunks: "chunks"
        case .command: "command"
        }
    }

    /// The set that the request names; nil for a command.
    package var set: String? {
        switch self {
        case .release(let set, _), .changeset(let set, _), .nodes(let set, _), .chunkLists(let set, _),
            .chunks(let set, _):
            set
        case .command: nil
        }
    }

    /// How many items the answer may have.
    package var itemCount: Int {
        switch self {
        case .release, .changeset: 1
        case .nodes(_, let digests): digests.count
        case .chunkLists(_, let digests): digests.count
        case .chunks(_, let digests): digests.count
        case .command: 0
        }
    }

    /// The message.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + itemCount * 32)
        switch self {
        case .release(let set, let sequence):
            writer.u8(1)
            writer.lengthPrefixed(Array(set.utf8))
            writer.varint(sequence ?? 0)
        case .changeset(let set, let digest):
            writer.u8(2)
            writer.lengthPrefixed(Array(set.utf8))
            writer.digest(digest.raw)
        case .nodes(let set, let digests):
            Self.write(3, set, digests.map(\.raw), to: &writer)
        case .chunkLists(let set, let digests):
            Self.write(4, set, digests.map(\.raw), to: &writer)
        case .chunks(let set, let digests):
            Self.write(5, set, digests.map(\.raw), to: &writer)
        case .command(let bytes):
            writer.u8(6)
            writer.lengthPrefixed(bytes)
        }
        return writer.bytes
    }
}
