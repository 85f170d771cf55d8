import Content
import LinuxIO

extension ServedTree {
    /// Entries that are linked together: the threads meet at the end of each batch.
    private static let batchCount = 4_096

    /// Makes a whole tree in the empty root: the folders in the order of the manifest, what is in them by several threads.
    mutating func link(_ manifest: NodeDigest, source: NodeSource) throws {
        var batch: [ManifestEntry] = []
        try ManifestTree.forEachEntry(root: manifest, source: source) { entry in
            if entry.isDirectory { try add(entry) } else { batch.append(entry) }
            if batch.count == Self.batchCount {
                try link(batch)
                batch.removeAll(keepingCapacity: true)
            }
            return true
        }
        try link(batch)
        try finish()
    }

    /// Links files and makes symlinks, whose folders are there.
    private func link(_ entries: [ManifestEntry]) throws {
        let worker = self
        try Shares.run(entries.count) { part in
            // Each thread finds out by itself which inodes are full.
            var tree = worker
            for entry in entries[part] { try tree.add(entry) }
        }
    }
}
