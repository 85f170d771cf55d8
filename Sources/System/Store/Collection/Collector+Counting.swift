import Content
import Database
import LinuxIO
import Retention

extension Collector {
    /// Counts what would be removed, and removes nothing.
    mutating func count() throws {
        outcome.releases = UInt64(scope.retired.count)
        outcome.nodes = try unmarked("node", below: scope.lastNode) { marks.nodes.contains($0) }
        outcome.chunkLists = try unmarked("chunk_list", below: scope.lastList) { marks.lists.contains($0) }
        outcome.blobs = try unmarked("blob", below: scope.lastBlob + 1) { marks.blobs.contains($0) }
        try countFiles()
    }

    private func unmarked(_ table: String, below limit: Int64, _ isMarked: (Int64) -> Bool) throws -> UInt64 {
        var count: UInt64 = 0
        try store.database.read { session in
            try session.query("SELECT rowid FROM \(table) WHERE rowid < ?", [.integer(limit)]) { row in
                if try !isMarked(row.integer(0)) { count += 1 }
            }
        }
        return count
    }

    private mutating func countFiles() throws {
        var last: Int64 = -1
        while true {
            let page = try store.database.rows(Self.files, [.integer(last), .integer(Self.batch)], Self.file)
            guard let end = page.last else { return }
            last = end.number
            for (number, file) in page where number <= scope.lastVariant && !marks.variants.contains(number) {
                outcome.files += 1
                // Trees of releases that stay share the inode; those of releases that go are none of ours any more.
                let found = try store.blobs.stat(file.variant)
                outcome.bytes += found.map { $0.links == 1 ? $0.size : 0 } ?? 0
            }
        }
    }
}
