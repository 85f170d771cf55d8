extension ManifestNode {
    /// A node read from bytes, and whether its last item is one that ends a node (a node that is not the last of its
    /// level must; always false when boundaries are not checked).
    struct Decoded {
        let node: ManifestNode
        let endsAtBoundary: Bool
    }

    /// Decodes a node; any bytes that `LevelAssembler` would not write are refused. With `checkingBoundaries` false the
    /// drawn boundaries are not compared, which saves hashing every key of a node that was checked when it was taken in.
    ///
    /// Throws `CodecError`, `PathError`, `EntryError`.
    static func decode(_ bytes: [UInt8], checkingBoundaries: Bool) throws -> Decoded {
        var reader = ByteReader(bytes)
        guard bytes.count <= ManifestLimits.nodeByteCount else {
            throw CodecError.valueTooLarge(
                offset: 0, value: UInt64(bytes.count), limit: UInt64(ManifestLimits.nodeByteCount))
        }
        let version = try reader.u8()
        guard version == formatVersion else {
            throw CodecError.unsupportedVersion(format: "manifest node", version: UInt64(version))
        }
        let level = Int(try reader.u8())
        guard level < ManifestLimits.height else { throw reader.malformed("the level \(level)") }
        if level == 0 {
            let (items, ends) = try items(ManifestEntry.self, &reader, level: 0, checkingBoundaries: checkingBoundaries)
            return Decoded(node: .leaf(items), endsAtBoundary: ends)
        }
        let (items, ends) = try items(
            ChildReference.self, &reader, level: level, checkingBoundaries: checkingBoundaries)
        guard !items.isEmpty else { throw reader.malformed("an index node without children") }
        return Decoded(node: .index(level: level, children: items), endsAtBoundary: ends)
    }

    private static func items<Item: NodeItem>(
        _: Item.Type, _ reader: inout ByteReader, level: Int, checkingBoundaries: Bool
    ) throws -> ([Item], Bool) {
        var items: [Item] = []
        items.reserveCapacity(reader.remaining / 64)
        var rule = BoundaryRule(level: level)
        var key: [UInt8] = []
        var endsAtBoundary = false
        while !reader.isAtEnd {
            if endsAtBoundary { throw reader.malformed("the node goes on after a boundary") }
            key = try PrefixedKey.decode(after: key, &reader)
            let item = try Item(key: RelativePath(key), decodingFields: &reader)
            items.append(item)
            endsAtBoundary =
                checkingBoundaries
                ? rule.endsNode(after: key, targetByteCount: item.targetByteCount)
                : rule.fillsNode(after: key, targetByteCount: item.targetByteCount)
        }
        return (items, endsAtBoundary)
    }
}
