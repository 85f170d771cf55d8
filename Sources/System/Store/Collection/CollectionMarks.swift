import Content
import Database
import Hashing
import Retention

/// What a pass has found to be named by something that stays: row numbers, a bit each.
final class CollectionMarks {
    private(set) var nodes = NumberSet()
    private(set) var lists = NumberSet()
    private(set) var blobs = NumberSet()
    private(set) var variants = NumberSet()
    /// Bytes of the manifest nodes of each set, each node once.
    private(set) var nodeBytes: [Int64: UInt64] = [:]

    private let store: Store
    /// The node that was looked up last.
    private var node: (digest: NodeDigest, bytes: [UInt8])?
    private var entries: [ManifestEntry] = []

    init(_ store: Store) { self.store = store }

    /// Marks everything below `root`. Nodes that are marked already have been walked with everything below them.
    /// - Parameters:
    ///   - set: the set whose manifest it is, if that is known.
    ///   - isWhole: everything was proved to be here with its times and modes, when the release was made the head;
    ///     otherwise all inodes of a blob are marked, since any of them may be what others are made from.
    /// - Throws: `ManifestError` if a node is missing or damaged: then nobody knows what lies below it.
    func mark(_ root: NodeDigest, of set: Int64?, isWhole: Bool) throws {
        if root == ManifestTree.emptyRoot.digest { return }
        entries.removeAll(keepingCapacity: true)
        try ManifestTree.reach(
            root: root, source: { self.node?.digest == $0 ? self.node?.bytes : nil },
            enters: { try self.enter($0, set) },
            { entry in
                guard entry.type == .file else { return }
                self.entries.append(entry)
                if self.entries.count == 1024 { try self.settle(isWhole) }
            })
        try settle(isWhole)
    }

    /// Marks a node; false if it was marked before.
    private func enter(_ digest: NodeDigest, _ set: Int64?) throws -> Bool {
        let found = try store.database.read { session in
            try session.first("SELECT rowid, bytes FROM node WHERE digest = ?", [.digest(digest.raw)]) {
                (number: try $0.integer(0), bytes: try $0.blob(1))
            }
        }
        guard let found else { throw ManifestError.missingNode(digest) }
        guard nodes.insert(found.number) else { return false }
        node = (digest, found.bytes)
        if let set { nodeBytes[set, default: 0] += UInt64(found.bytes.count) }
        return true
    }

    private func settle(_ isWhole: Bool) throws {
        try store.database.read { session in
            for entry in entries {
                if let list = entry.chunkList { try markList(list.raw, session) }
                guard let variant = BlobVariant(entry), let record = try session.blob(variant.digest) else { continue }
                if blobs.insert(record.number), let list = record.list { try markList(list.raw, session) }
                try markVariants(variant, record.number, session, isWhole)
            }
        }
        entries.removeAll(keepingCapacity: true)
    }

    private func markList(_ list: BLAKE3Digest, _ session: Session) throws {
        let number = try session.first("SELECT rowid FROM chunk_list WHERE digest = ?", [.digest(list)]) {
            try $0.integer(0)
        }
        if let number { lists.insert(number) }
    }

    private func markVariants(_ variant: BlobVariant, _ blob: Int64, _ session: Session, _ isWhole: Bool) throws {
        if isWhole {
            let exact = try session.rows(
                "SELECT number FROM variant WHERE blob = ? AND modified = ? AND executable = ?",
                [.integer(blob), .integer(variant.modified), .flag(variant.isExecutable)]
            ) { try $0.integer(0) }
            for number in exact { variants.insert(number) }
            if !exact.isEmpty { return }
        }
        for record in try session.variants(of: variant.digest, number: blob) { variants.insert(record.number) }
    }
}
