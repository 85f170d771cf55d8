import Content
import Database
import Hashing
import LinuxIO
import Retention
import Synchronization
import Trust

extension Store {
    /// Takes inodes out of the books, and their blobs if nothing else is left of them and they are not kept; then
    /// removes the files. A crash between leaves the files' names in `removed_file`.
    func remove(
        _ files: [(variant: BlobVariant, blob: Int64)], keepingBlob isKept: (Int64) -> Bool,
        _ outcome: inout CollectionOutcome
    ) throws {
        try groupLock.withLock { state in
            var gone: [Int64] = []
            try database.withTransaction { session in
                for (variant, blob) in files {
                    try session.run("INSERT OR IGNORE INTO removed_file (name) VALUES (?)", [.blob(variant.name)])
                    try session.run(
                        "DELETE FROM variant WHERE blob = ? AND modified = ? AND executable = ? AND copy = ?",
                        [
                            .integer(blob), .integer(variant.modified), .flag(variant.isExecutable),
                            .integer(variant.copy),
                        ])
                    guard !isKept(blob), try session.variants(of: variant.digest, number: blob).isEmpty else {
                        continue
                    }
                    try session.run("DELETE FROM attachment WHERE blob = ?", [.integer(blob)])
                    try session.run("DELETE FROM blob WHERE number = ?", [.integer(blob)])
                    gone.append(blob)
                }
            }
            // Only after the rows are gone: until then a reader may open the file again.
            for (_, blob) in files { readers.drop(blob) }
            try index.remove(blobs: gone.map { UInt64($0) })
            outcome.blobs += UInt64(gone.count)
            note(.collectFiles)
            let untouched = try state.blobFolders.untouched(files.lazy.map(\.variant), blobs)
            for (variant, _) in files {
                outcome.files += 1
                outcome.bytes += try unlink(variant) ?? 0
            }
            try state.blobFolders.note(untouched, blobs)
        }
    }

    /// Removes a file of `blobs`; the bytes that the disk has back, nil if there is no such file.
    func unlink(_ variant: BlobVariant) throws -> UInt64? {
        let folder = blobs.folder(variant.digest)
        guard let found = try folder.stat(variant.name) else { return nil }
        try folder.unlinkIfPresent(variant.name)
        return found.links == 1 ? found.size : 0
    }

    /// Removes the files whose rows are gone, as noted, and forgets the notes once that is durable.
    func removeNotedFiles(_ durability: Folder) throws {
        let names = try database.rows("SELECT name FROM removed_file") { try $0.blob(0) }
        guard !names.isEmpty else { return }
        try groupLock.withLock { _ in
            for name in names {
                // One that was stored again since has a row.
                guard let variant = BlobVariant(name: name), try !database.read({ try $0.holds(variant) }) else {
                    continue
                }
                _ = try unlink(variant)
            }
        }
        // An error means that a removal may come back after a power cut: the notes stay, and so does nothing else.
        try durability.syncFileSystem()
        try database.withTransaction { session in
            for name in names { try session.run("DELETE FROM removed_file WHERE name = ?", [.blob(name)]) }
        }
    }

    /// Remembers how many releases of a set keep their content.
    func keep(_ count: Int, of set: Int64) throws {
        guard try database.read({ try $0.keptReleases(of: set) }) != count else { return }
        try database.run(
            "UPDATE content_set SET kept_releases = ? WHERE number = ?", [.integer(count), .integer(set)])
    }

    /// The names in one of the 256 folders of `blobs`.
    func blobNames(_ byte: UInt8) throws -> [[UInt8]] {
        guard let digest = BLAKE3Digest([byte] + [UInt8](repeating: 0, count: 31)) else { return [] }
        return try blobs.folder(BlobDigest(digest)).list(sorted: false).map(\.name)
    }

    /// Deletes rows by number in one transaction; how many there were.
    func delete(_ numbers: [Int64], from table: ContentTable) throws -> UInt64 {
        guard !numbers.isEmpty else { return 0 }
        return try database.withTransaction { session in
            try numbers.reduce(0) { try $0 + UInt64(session.run(table.deleteByNumber, [.integer($1)])) }
        }
    }
}

extension ContentTable {
    var deleteByNumber: String {
        switch self {
        case .node: "DELETE FROM node WHERE rowid = ?"
        case .chunkList: "DELETE FROM chunk_list WHERE rowid = ?"
        case .changeset: "DELETE FROM changeset WHERE rowid = ?"
        }
    }
}

extension Session {
    /// Takes a release out of the held ones; whether it was one. Its document stays with its changeset.
    func retire(_ release: CollectionScope.Retired) throws -> Bool {
        let key: [Value] = [.integer(release.set), .unsigned(release.sequence)]
        let document = try first("SELECT document FROM release WHERE set_number = ? AND sequence = ?", key) {
            try $0.blob(0)
        }
        guard let document else { return false }
        if let changeset = try changeset(in: document), try holds(.changeset, changeset.digest.raw) {
            try run(
                "INSERT OR REPLACE INTO past_release (set_number, sequence, changeset, bytes, document) VALUES (?, ?, ?, ?, ?)",
                key + [.digest(changeset.digest.raw), .unsigned(changeset.byteCount), .blob(document)])
        }
        try run("DELETE FROM release WHERE set_number = ? AND sequence = ?", key)
        try run("DELETE FROM bad_path WHERE set_number = ? AND sequence = ?", key)
        return true
    }

    /// Forgets the oldest past releases of a set until the changesets of the others take at most `limit` bytes.
    func dropPastReleases(of set: Int64, above limit: UInt64) throws {
        let past = try rows(
            "SELECT sequence, bytes FROM past_release WHERE set_number = ? ORDER BY sequence DESC", [.integer(set)]
        ) { (sequence: try $0.unsigned(0), bytes: try $0.unsigned(1)) }
        let kept = ReleaseRetention.keptChangesets(sizes: past.map(\.bytes), limit: limit)
        for release in past.dropFirst(kept) {
            try run(
                "DELETE FROM past_release WHERE set_number = ? AND sequence = ?",
                [.integer(set), .unsigned(release.sequence)])
        }
    }

    /// Changesets of all releases, past ones included, and of fetches that are not finished.
    func namedChangesets() throws -> Set<ChangesetDigest> {
        var named = Set(
            try rows("SELECT changeset FROM past_release") { ChangesetDigest(try $0.digest(0, "past_release")) })
        try query("SELECT changeset FROM unfinished_fetch WHERE changeset NOT NULL") { row in
            named.insert(ChangesetDigest(try row.digest(0, "unfinished_fetch")))
        }
        try query("SELECT document FROM release") { row in
            if let changeset = try changeset(in: row.blob(0)) { named.insert(changeset.digest) }
        }
        return named
    }

    private func changeset(in document: [UInt8]) throws -> ChangesetReference? {
        try ReleaseDocument(decoding: document).changeset
    }
}
