extension ManifestTree {
    /// Calls `body` with every file that two manifests have with the same bytes and mode, and with another time, in
    /// strictly ascending order of paths: as it is in `a`, then as it is in `b`.
    ///
    /// Costs what differs, twice, and the memory of the files of `b` that differ. Throws what `diff` does.
    package static func forEachRetouched(
        _ a: NodeDigest, _ b: NodeDigest, source: NodeSource, _ body: (ManifestEntry, ManifestEntry) throws -> Void
    ) throws {
        var changed: [ManifestEntry] = []
        try diff(a, b, source: source) { edit in
            if case .put(let entry) = edit, entry.blob != nil { changed.append(entry) }
        }
        guard !changed.isEmpty else { return }
        var next = 0
        try diff(b, a, source: source) { edit in
            guard case .put(let old) = edit, let blob = old.blob else { return }
            while next < changed.count, changed[next].path < old.path { next += 1 }
            guard next < changed.count, changed[next].path == old.path else { return }
            let new = changed[next]
            guard new.blob == blob, new.isExecutable == old.isExecutable, new.modified != old.modified else { return }
            try body(old, new)
        }
    }

    /// The bytes of all those files, each path by itself.
    package static func retouchedBytes(_ a: NodeDigest, _ b: NodeDigest, source: NodeSource) throws -> UInt64 {
        var bytes: UInt64 = 0
        try forEachRetouched(a, b, source: source) { _, new in
            let (sum, isOver) = bytes.addingReportingOverflow(new.size)
            bytes = isOver ? .max : sum
        }
        return bytes
    }
}
