import Content
import Database
import FleetModel
import LinuxIO
import Synchronization

extension Activation {
    /// What may be copied for files that change in their time alone; nil where nothing limits it: blocks are shared, the
    /// set has no limit, or it is not known what the head shows.
    func copyBudget() throws -> CopyBudget? {
        guard let limit = policy.copyLimit, !set.isDamaged, let head = set.head, try !store.sharesBlocks(),
            let held = try store.database.read({ try $0.release(set.number, head)?.root })
        else { return nil }
        var times: [RelativePath: Int64] = [:]
        do {
            try ManifestTree.forEachRetouched(held, root, source: source) { old, _ in times[old.path] = old.modified }
        } catch is ManifestError {
            // A head whose nodes are gone: the closure is what says so.
            return nil
        }
        return CopyBudget(bytes: limit.bytes(ofSet: document.manifest.bytes), headTimes: times)
    }

    /// Notes inodes whose times shall change in place, and copies those that somebody needs as they are.
    /// - Returns: the times that the noted inodes have until then, by what they will be.
    func noteTimes(_ later: [CopyBudget.Later]) throws -> [BlobVariant: Int64] {
        guard !later.isEmpty else { return [:] }
        var chosen = try sources(later)
        try dropNeeded(&chosen)
        let changing = Set(chosen.values.map(\.variant))
        var copies = later.filter { !changing.contains($0.variant) }
        let changes = try store.database.read { session -> [TimeChange] in
            try chosen.flatMap { source, item -> [TimeChange] in
                guard let record = try session.blob(source.digest) else { return [] }
                return try session.variants(of: source.digest, number: record.number).map(\.variant)
                    .filter { $0.withCopy(0) == source }
                    .map { TimeChange(from: $0, modified: item.variant.modified) }
            }
        }.sorted { $0.from.name.lexicographicallyPrecedes($1.from.name) }
        let refused = Set(try store.noteTimes(changes, of: set.number).filter { $0.from.copy == 0 }.map(\.to))
        copies += later.filter { refused.contains($0.variant) }
        try copy(copies)
        return Dictionary(
            changes.filter { !refused.contains($0.to) }.map { ($0.to, $0.from.modified) },
            uniquingKeysWith: { a, _ in a })
    }

    private func copy(_ items: [CopyBudget.Later]) throws {
        var maker = VariantMaker(store: store, set: name, staging: staging)
        for item in items { try maker.make(item.variant, size: item.size) }
        try maker.finish()
    }

    /// An inode for each, which has the same bytes and mode: that which the head shows at the path, else any. Each inode
    /// can take one new time only.
    private func sources(_ later: [CopyBudget.Later]) throws -> [BlobVariant: CopyBudget.Later] {
        var chosen: [BlobVariant: CopyBudget.Later] = [:]
        try store.database.read { session in
            for item in later {
                guard let record = try session.blob(item.variant.digest) else { continue }
                let held = try session.variants(of: item.variant.digest, number: record.number).map(\.variant)
                    .filter { $0.isExecutable == item.variant.isExecutable && $0.copy == 0 && chosen[$0] == nil }
                if let source = held.first(where: { $0.modified == item.headModified }) ?? held.first {
                    chosen[source] = item
                }
            }
        }
        return chosen
    }

    /// Leaves alone what this release shows with the old time as well, what another set shows, and files that are the
    /// publisher's own.
    private func dropNeeded(_ chosen: inout [BlobVariant: CopyBudget.Later]) throws {
        try withClosedNodes {
            try ManifestTree.forEachEntry(root: root, source: $0) { entry in
                if let variant = BlobVariant(entry) { chosen[variant] = nil }
                return !chosen.isEmpty
            }
        }
        do {
            for other in try store.otherSets(than: set.number) where !chosen.isEmpty {
                var previous = ManifestTree.emptyRoot.digest
                for root in try store.shownRoots(other.number, other.name, head: other.head) {
                    try ManifestTree.diff(previous, root, source: source) { edit in
                        if case .put(let entry) = edit, let variant = BlobVariant(entry) { chosen[variant] = nil }
                    }
                    previous = root
                }
            }
        } catch is ManifestError {
            // Nobody knows what that set shows.
            chosen = [:]
        }
        guard !chosen.isEmpty else { return }
        let publishers = try store.database.read { try $0.linkedSources() }
        chosen = chosen.filter { !publishers.contains($0.key.digest) }
    }
}

extension Store {
    fileprivate func otherSets(than set: Int64) throws -> [(name: String, number: Int64, head: UInt64?)] {
        try database.read { try $0.headsBySet().filter { $0.number != set } }
    }

    /// The roots of the releases that a set has a tree of, shows, or is about to show; ascending.
    fileprivate func shownRoots(_ set: Int64, _ name: String, head: UInt64?) throws -> [NodeDigest] {
        let trees = try releases.subfolderIfPresent(name).map { folder in
            try folder.list().compactMap { UInt64(String(decoding: $0.name, as: UTF8.self)) }
        }
        let standing = Set(trees ?? [])
        return try database.read { session in
            try session.rows(
                "SELECT sequence, root FROM release WHERE set_number = ? ORDER BY sequence", [.integer(set)]
            ) { row in (try row.unsigned(0), NodeDigest(try row.digest(1, "release"))) }
            .filter { sequence, _ in standing.contains(sequence) || sequence >= head ?? 0 }.map(\.1)
        }
    }

    /// Whether files of the store can share blocks, so that an inode with another time costs no copy. Tried once.
    /// - Throws: `FileError`, `DatabaseError` of the disk.
    package func sharesBlocks() throws -> Bool {
        try sharing.withLock { known in
            if let known { return known }
            let names = ["sharing-from", "sharing-to"]
            defer { for name in names { _ = try? staging.unlinkIfPresent(name) } }
            for name in names { try staging.unlinkIfPresent(name) }
            let from = try staging.createFile(names[0], mode: 0o600)
            try from.write([UInt8](repeating: 1, count: 4096), at: 0)
            let shares = try staging.createFile(names[1], mode: 0o600).reflink(from: from)
            known = shares
            return shares
        }
    }
}
