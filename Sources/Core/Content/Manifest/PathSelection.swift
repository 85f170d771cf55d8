/// Some paths of a manifest, each with all that is below it, and the directories above them: what a part of a set takes.
///
/// No path at all selects everything. Pure; a walk that is given one asks only for nodes that may have what is selected.
package struct PathSelection: Hashable, Sendable {
    private static let slash = UInt8(ascii: "/")

    /// The paths that were asked for, ascending; empty: everything.
    package let paths: [RelativePath]
    /// The directories above them.
    private let parents: Set<RelativePath>

    /// Everything.
    package static let all = PathSelection([])

    /// A selection of these paths; none: everything.
    package init(_ paths: [RelativePath]) {
        self.paths = Array(Set(paths)).sorted()
        var parents: Set<RelativePath> = []
        for path in paths {
            var above = path.parent
            while let next = above, parents.insert(next).inserted { above = next.parent }
        }
        self.parents = parents
    }

    /// Whether everything is selected.
    package var isWhole: Bool { paths.isEmpty }

    /// Whether an entry is selected: asked for, below what was asked for, or a directory that leads there.
    package func contains(_ path: RelativePath) -> Bool {
        isWhole || parents.contains(path) || paths.contains { $0 == path || Self.isBelow(path.bytes, $0.bytes) }
    }

    /// The path that was asked for and that an entry is part of; nil for a directory that only leads there.
    package func asked(for path: RelativePath) -> RelativePath? {
        paths.first { $0 == path || Self.isBelow(path.bytes, $0.bytes) }
    }

    /// Whether selected entries may lie above `lower` (nil: from the first on) and up to `last`. True in doubt.
    func mayTouch(above lower: RelativePath?, upTo last: RelativePath) -> Bool {
        if isWhole { return true }
        func isInside(_ path: RelativePath) -> Bool { path <= last && (lower.map { $0 < path } ?? true) }
        return parents.contains(where: isInside)
            || paths.contains { path in
                // What is below a path is a stretch of its own: from "path/" to "path0", the byte after the slash.
                isInside(path)
                    || !last.bytes.lexicographicallyPrecedes(path.bytes + [Self.slash])
                        && (lower.map { $0.bytes.lexicographicallyPrecedes(path.bytes + [Self.slash + 1]) } ?? true)
            }
    }

    private static func isBelow(_ path: [UInt8], _ directory: [UInt8]) -> Bool {
        path.count > directory.count && path[directory.count] == slash && path.starts(with: directory)
    }
}
