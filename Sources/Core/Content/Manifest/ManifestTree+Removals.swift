/// Files of a tree that a later one does not have.
package struct RemovedContent: Hashable, Sendable {
    /// How many paths of files are gone.
    package var files: UInt64
    /// The bytes of those files, each path by itself.
    package var bytes: UInt64

    /// Nothing is gone.
    package static let none = RemovedContent(files: 0, bytes: 0)

    /// The figures as they are given.
    package init(files: UInt64, bytes: UInt64) {
        self.files = files
        self.bytes = bytes
    }
}

extension ManifestTree {
    /// The files of the tree below `a` whose path is no file in the one below `b`. Another content under the same path
    /// is no removal.
    ///
    /// Costs what a diff does, and throws what that does.
    package static func removed(_ a: NodeDigest, _ b: NodeDigest, source: NodeSource) throws -> RemovedContent {
        var removed = RemovedContent.none
        try forEachChange(a, b, source: source) { change in
            let gone: ManifestEntry
            switch change {
            case .remove(let entry): gone = entry
            case .replace(let old, let new) where new.type != .file: gone = old
            case .put, .replace: return
            }
            guard gone.type == .file else { return }
            removed.files += 1
            let (sum, isOver) = removed.bytes.addingReportingOverflow(gone.size)
            removed.bytes = isOver ? .max : sum
        }
        return removed
    }
}
