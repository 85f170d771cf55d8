/// What nodes of a manifest are made of: entries in leaves, child references in index nodes.
///
/// The generic code over it is used inside this module only, so it is specialised.
protocol NodeItem: Hashable, Sendable {
    /// What the tree is ordered by; unique within a level.
    var key: RelativePath { get }
    /// Bytes beside the key that weigh in the boundary rule: those of a link target.
    var targetByteCount: Int { get }
    /// The sums over the item.
    var totals: ManifestTotals { get }
    /// Appends all fields but the key.
    func encodeFields(into writer: inout ByteWriter)
    /// Reads what `encodeFields` wrote.
    init(key: RelativePath, decodingFields reader: inout ByteReader) throws
    /// The items of `node` if it is made of this kind.
    static func items(of node: ManifestNode) -> [Self]?
}

extension ManifestEntry: NodeItem {
    var key: RelativePath { path }
    var targetByteCount: Int { linkTarget.count }
    var totals: ManifestTotals { ManifestTotals(of: self) }

    init(key: RelativePath, decodingFields reader: inout ByteReader) throws {
        try self.init(path: key, decodingFields: &reader)
    }

    static func items(of node: ManifestNode) -> [ManifestEntry]? {
        if case .leaf(let entries) = node { entries } else { nil }
    }
}

/// What an index node says about one child.
struct ChildReference: NodeItem {
    /// The path of the last entry below the child.
    let lastKey: RelativePath
    /// The digest of the child.
    let digest: NodeDigest
    /// The sums over the child.
    let totals: ManifestTotals

    var key: RelativePath { lastKey }
    var targetByteCount: Int { 0 }

    init(lastKey: RelativePath, digest: NodeDigest, totals: ManifestTotals) {
        self.lastKey = lastKey
        self.digest = digest
        self.totals = totals
    }

    init(key: RelativePath, decodingFields reader: inout ByteReader) throws {
        lastKey = key
        digest = NodeDigest(try reader.digest())
        totals = try ManifestTotals(decoding: &reader)
    }

    func encodeFields(into writer: inout ByteWriter) {
        writer.digest(digest.raw)
        totals.encode(into: &writer)
    }

    static func items(of node: ManifestNode) -> [ChildReference]? {
        if case .index(_, let children) = node { children } else { nil }
    }
}
