import Content
import Hashing

/// A node written by hand, right or wrong, under the digest of its bytes.
struct RawNode {
    private(set) var writer = ByteWriter()

    private static let leaf = BLAKE3Context("mirrorfleet v1 manifest leaf")
    private static let index = BLAKE3Context("mirrorfleet v1 manifest index node")

    init(version: UInt8 = 1, level: UInt8) {
        writer.u8(version)
        writer.u8(level)
    }

    init(_ bytes: [UInt8]) {
        writer.bytes(bytes)
    }

    /// The flag byte, time 0 and nothing else: a directory.
    static let directoryFields: [UInt8] = [2, 0]

    /// Adds an item: what is shared, the rest of the key, the fields.
    func item(_ shared: UInt64, _ rest: String, _ fields: [UInt8] = directoryFields) -> RawNode {
        var node = self
        node.writer.varint(shared)
        node.writer.lengthPrefixed(Array(rest.utf8))
        node.writer.bytes(fields)
        return node
    }

    /// Adds a reference to a child.
    func child(
        _ shared: UInt64, _ rest: String, _ digest: NodeDigest, entries: UInt64, files: UInt64 = 0, bytes: UInt64 = 0
    ) -> RawNode {
        var fields = ByteWriter()
        fields.digest(digest.raw)
        fields.varint(entries)
        fields.varint(files)
        fields.varint(bytes)
        return item(shared, rest, fields.bytes)
    }

    /// Adds bytes as they are.
    func raw(_ bytes: [UInt8]) -> RawNode {
        var node = self
        node.writer.bytes(bytes)
        return node
    }

    var bytes: [UInt8] { writer.bytes }

    var digest: NodeDigest {
        let isLeaf = bytes.count < 2 || bytes[1] == 0
        return NodeDigest((isLeaf ? Self.leaf : Self.index).hash(bytes))
    }
}

extension NodeTable {
    /// Holds nodes written by hand.
    convenience init(_ nodes: [RawNode]) {
        self.init()
        for node in nodes { set(node.digest, node.bytes) }
    }
}
