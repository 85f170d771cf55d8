extension ManifestTree {
    /// Calls `body` with every file that two manifests have with the same bytes and mode, and with another time, in
    /// strictly ascending order of paths: as it is in `a`, then as it is in `b`.
    ///
    /// Costs what a diff does, and throws what that does.
    package static func forEachRetouched(
        _ a: NodeDigest, _ b: NodeDigest, known: KnownChanges = KnownChanges(), source: NodeSource,
        _ body: (ManifestEntry, ManifestEntry) throws -> Void
    ) throws {
        try forEachChange(a, b, known: known, source: source) { change in
            guard case .replace(let old, let new) = change, new.blob != nil, new.blob == old.blob,
                new.isExecutable == old.isExecutable, new.modified != old.modified
            else { return }
            try body(old, new)
        }
    }

    /// The bytes of all those files, each path by itself.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func retouchedBytes(
        _ a: NodeDigest, _ b: NodeDigest, known: KnownChanges = KnownChanges(), source: NodeSource
    ) throws -> UInt64 {
        var bytes: UInt64 = 0
        try forEachRetouched(a, b, known: known, source: source) { _, new in
            let (sum, isOver) = bytes.addingReportingOverflow(new.size)
            bytes = isOver ? .max : sum
        }
        return bytes
    }
}
