import Content
import Database
import LinuxIO
import Synchronization

extension Activation {
    /// More missing blobs than this are forgotten in another pass: bounds the memory of a store that lost everything.
    private static let faultLimit = 1 << 20
    /// Entries that are looked at together, by several threads.
    private static let batchCount = 4_096

    /// Proves that everything is here that the release names. What is missing is named, and marked so that the next
    /// session looks at everything and fetches it.
    ///
    /// What the release shares with the base was proved when that became the head. It is proved again only if something
    /// went since: a node or a chunk list (the database counts, whoever removes one), or a file of a blob (its folder's
    /// time changed by no work of this store, and one of the files in it is not as it should be).
    /// - Parameter noted: inodes whose times are changed before the flip, with the times that they have until then.
    /// - Returns: the count of removals as of the proof.
    func proveClosure(_ noted: [BlobVariant: Int64]) throws -> Int64 {
        let (removals, proved) = try store.database.read { session in
            (try session.mark("removals"), try session.provedRemovals(set.number))
        }
        if let base, proved == removals, try store.areBlobFilesUntouched() {
            try prove(noted) { body in
                try withClosedNodes {
                    try ManifestTree.diffReadingNodes(base, root, known: changes, source: $0) { edit in
                        if case .put(let entry) = edit { try body(entry) }
                    }
                }
            }
        } else {
            try prove(noted) { body in
                try withClosedNodes {
                    try ManifestTree.forEachEntry(root: root, source: $0) { entry in
                        try body(entry)
                        return true
                    }
                }
            }
        }
        return removals
    }

    /// Looks for all that the entries name: every node on the way to them (read, and compared with its digest), every
    /// chunk list, every blob's file with its size, time and mode.
    private func prove(
        _ noted: [BlobVariant: Int64], _ forEachEntry: ((ManifestEntry) throws -> Void) throws -> Void
    ) throws {
        var batch: [ManifestEntry] = []
        var firstFault: StoreError?
        var faulty: [BlobVariant] = []
        func settle() throws {
            for (entry, fault) in zip(batch, try faults(of: batch, noted)) {
                guard let fault, let variant = BlobVariant(entry) else { continue }
                // All of them are found in one pass, so that one more session repairs all.
                if faulty.count < Self.faultLimit { faulty.append(variant) }
                firstFault =
                    firstFault
                    ?? .missingBlob(
                        set: name, sequence: document.sequence, variant.digest, path: entry.path, reason: fault)
            }
            let missing = try store.database.read { session in
                try batch.first { entry in try entry.chunkList.map { try !session.holds(.chunkList, $0.raw) } ?? false }
            }
            batch.removeAll(keepingCapacity: true)
            guard firstFault == nil, let missing, let list = missing.chunkList else { return }
            firstFault = .missingChunkList(set: name, sequence: document.sequence, list, path: missing.path)
        }
        try forEachEntry { entry in
            batch.append(entry)
            if batch.count == Self.batchCount { try settle() }
        }
        try settle()
        guard let firstFault else { return }
        try store.forget(faulty, damaging: [set.number])
        throw firstFault
    }

    /// What is wrong with the files of entries, by several threads; nil for those with which nothing is.
    private func faults(of entries: [ManifestEntry], _ noted: [BlobVariant: Int64]) throws -> [String?] {
        let blobs = store.blobs
        let found = Mutex<[String?]>(Array(repeating: nil, count: entries.count))
        try Shares.run(entries.count) { part in
            for index in part {
                guard let variant = BlobVariant(entries[index]),
                    let fault = try blobs.fault(variant, size: entries[index].size, modified: noted[variant])
                else { continue }
                found.withLock { $0[index] = fault }
            }
        }
        return found.withLock { $0 }
    }

    /// Runs `body` with the stored nodes; one that is missing or damaged becomes `missingNode`.
    func withClosedNodes(_ body: (NodeSource) throws -> Void) throws {
        var last: NodeDigest?
        do {
            try body { digest in
                last = digest
                return try source(digest)
            }
        } catch let error as ManifestError {
            guard let last else { throw error }
            // Whatever stands under that digest is not it: without the row the next session asks for the node.
            try store.database.withTransaction { session in
                try session.run(ContentTable.node.delete, [.digest(last.raw)])
                try session.setDamaged(set.number, true)
            }
            throw StoreError.missingNode(set: name, sequence: document.sequence, last)
        }
    }

    /// Marks the set damaged, forgets the inodes of a blob that are not as they should be, and gives the error to throw.
    func damaged(_ error: StoreError, forgetting digest: BlobDigest) throws -> StoreError {
        let faulty = try store.database.read { session -> [BlobVariant] in
            guard let record = try session.blob(digest) else { return [] }
            return try session.variants(of: digest, number: record.number).map(\.variant)
                .filter { try store.blobs.fault($0, size: record.size) != nil }
        }
        try store.forget(faulty, damaging: [set.number])
        return error
    }
}

extension Session {
    /// The count of removals when the head's closure was proved; nil if that is not known.
    func provedRemovals(_ set: Int64) throws -> Int64? {
        try first("SELECT proved_removals FROM content_set WHERE number = ?", [.integer(set)]) {
            try $0.optionalInteger(0)
        } ?? nil
    }
}
