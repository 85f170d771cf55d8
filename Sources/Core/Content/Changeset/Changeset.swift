import Hashing

/// The ordered edits that turn one manifest into the next. It proves itself: applied to `from`, it must give `to`.
package struct Changeset: Hashable, Sendable {
    /// An encoded changeset. Above this the packed tree is the better way anyhow; a release then has no changeset.
    package static let maximumByteCount = 256 << 20
    /// Edits of one changeset.
    package static let maximumEditCount = 20_000_000
    /// The bytes of all paths together. What paths share with the one before costs nothing in the encoding, so without
    /// this a small changeset could fill the memory.
    package static let maximumPathByteCount = 2 << 30
    private static let formatVersion: UInt8 = 1
    /// Where an entry's fields begin with its flags, which are never 0.
    private static let removal: UInt8 = 0

    /// The root it starts from; that of the empty manifest for a first release.
    package let from: NodeDigest
    /// The root it leads to.
    package let to: NodeDigest
    /// Strictly ascending by path.
    package let edits: [ManifestEdit]

    /// A changeset of edits that are strictly ascending by path, as `ManifestTree.diff` gives them.
    package init(from: NodeDigest, to: NodeDigest, edits: [ManifestEdit]) {
        self.from = from
        self.to = to
        self.edits = edits
    }

    /// The digest of an encoded changeset, under its own context.
    package static func digest(of bytes: [UInt8]) -> ChangesetDigest {
        ChangesetDigest(ManifestContexts.changeset.hash(bytes))
    }

    /// The bytes of the changeset. One that was not decoded may be above the limits; compare `count` with
    /// `maximumByteCount` before publishing it.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 80 + edits.count * 80)
        writer.u8(Self.formatVersion)
        writer.digest(from.raw)
        writer.digest(to.raw)
        writer.varint(UInt64(edits.count))
        var last: [UInt8] = []
        for edit in edits {
            let path = edit.path.bytes
            let (shared, order) = KeyOrder.compare(last, path)
            precondition(order < 0, "edits are not strictly ascending: \(edit.path)")
            PrefixedKey.encode(path, shared: shared, into: &writer)
            last = path
            switch edit {
            case .remove: writer.u8(Self.removal)
            case .put(let entry): entry.encodeFields(into: &writer)
            }
        }
        return writer.bytes
    }

    /// Reads what `encode` wrote, and nothing else. Throws `CodecError`, `PathError`, `EntryError`.
    package init(decoding bytes: [UInt8]) throws {
        guard bytes.count <= Self.maximumByteCount else {
            throw CodecError.valueTooLarge(offset: 0, value: UInt64(bytes.count), limit: UInt64(Self.maximumByteCount))
        }
        var reader = ByteReader(bytes)
        let version = try reader.u8()
        guard version == Self.formatVersion else {
            throw CodecError.unsupportedVersion(format: "changeset", version: UInt64(version))
        }
        from = NodeDigest(try reader.digest())
        to = NodeDigest(try reader.digest())
        let count = try reader.count(max: Self.maximumEditCount)
        var edits: [ManifestEdit] = []
        // An edit has at least four bytes, so a count beyond the input reserves nothing.
        edits.reserveCapacity(min(count, reader.remaining / 4))
        var path: [UInt8] = []
        var pathByteCount = 0
        for _ in 0..<count {
            path = try PrefixedKey.decode(after: path, &reader)
            pathByteCount += path.count
            guard pathByteCount <= Self.maximumPathByteCount else {
                throw reader.malformed("paths of more than \(Self.maximumPathByteCount) bytes together")
            }
            let key = try RelativePath(path)
            if try reader.skip(ifNext: Self.removal) {
                edits.append(.remove(key))
            } else {
                edits.append(.put(try ManifestEntry(path: key, decodingFields: &reader)))
            }
        }
        try reader.expectEnd()
        self.edits = edits
    }

    /// Applies the edits to the tree below `from`. Throws `ChangesetError.leadsElsewhere` when that does not give `to`,
    /// and what `ManifestTree.apply` throws; nodes given to the sink until then belong to no tree.
    /// - Returns: the tree that it leads to, and what it changed.
    package func apply(source: NodeSource, sink: NodeSink) throws -> (root: ManifestRoot, changes: KnownChanges) {
        var known = KnownChanges()
        let root = try ManifestTree.apply(edits, to: from, source: source, sink: sink, known: &known)
        guard root.digest == to else { throw ChangesetError.leadsElsewhere(claimed: to, actual: root.digest) }
        return (root, known)
    }

    /// The changeset from one tree to another. Throws `ManifestError`, what the source throws, and
    /// `ChangesetError.tooManyEdits`.
    package static func between(
        _ from: NodeDigest, _ to: NodeDigest, known: KnownChanges = KnownChanges(), source: NodeSource
    ) throws -> Changeset {
        var edits: [ManifestEdit] = []
        try ManifestTree.diff(from, to, known: known, source: source) { edit in
            guard edits.count < maximumEditCount else { throw ChangesetError.tooManyEdits }
            edits.append(edit)
        }
        return Changeset(from: from, to: to, edits: edits)
    }
}
