/// Files of a tree that a later one does not have.
package struct RemovedContent: Hashable, Sendable {
    /// How many files are gone.
    package var files: UInt64
    /// Their bytes.
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
    /// The files of the tree below `a` that the one below `b` has no more: their path is no file there, and their bytes
    /// came under no new path instead. So neither other content under the same path nor a move is a removal.
    ///
    /// Costs up to two diffs, and memory for each path that is gone. Throws what a diff does.
    package static func removed(
        _ a: NodeDigest, _ b: NodeDigest, known: KnownChanges = KnownChanges(), source: NodeSource
    ) throws -> RemovedContent {
        var lost: [BlobDigest: (count: UInt64, size: UInt64)] = [:]
        try forEachChange(a, b, known: known, source: source) { change in
            guard let gone = change.lostFile, let blob = gone.blob else { return }
            lost[blob, default: (0, gone.size)].count += 1
        }
        if lost.isEmpty { return .none }
        try forEachChange(a, b, known: known, source: source) { change in
            guard let blob = change.newBlob, let found = lost[blob], found.count > 0 else { return }
            lost[blob]?.count -= 1
        }
        return lost.values.reduce(into: .none) { removed, found in
            removed.files += found.count
            let (bytes, isOver) = found.count.multipliedReportingOverflow(by: found.size)
            let (sum, isTooMuch) = removed.bytes.addingReportingOverflow(bytes)
            removed.bytes = isOver || isTooMuch ? .max : sum
        }
    }
}

extension TreeDiff.Change {
    /// The file whose path is none of a file any more.
    fileprivate var lostFile: ManifestEntry? {
        switch self {
        case .remove(let entry) where entry.type == .file: entry
        case .replace(let old, let new) where old.type == .file && new.type != .file: old
        case .remove, .put, .replace: nil
        }
    }

    /// The bytes that a path has now and had not before.
    fileprivate var newBlob: BlobDigest? {
        switch self {
        case .put(let entry): entry.blob
        case .replace(let old, let new): new.blob == old.blob ? nil : new.blob
        case .remove: nil
        }
    }
}
