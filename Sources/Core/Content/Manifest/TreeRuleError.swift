/// Why a set of entries is not a tree of files.
package enum TreeRuleError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The entry is not above the one before it.
    case notAscending(previous: RelativePath, next: RelativePath)
    /// The parent of the entry is no entry, or is a file or a symlink.
    case parentIsNoDirectory(RelativePath)
    /// The symlink points to an absolute path, above the root of the set, or there through other symlinks.
    case linkLeavesSet(RelativePath, target: [UInt8])
    /// More than 20 million entries.
    case tooManyEntries

    package var description: String {
        switch self {
        case .notAscending(let previous, let next): "paths are not strictly ascending: \(next) follows \(previous)"
        case .parentIsNoDirectory(let path): "the parent of \(path) is not a directory of the set"
        case .linkLeavesSet(let path, let target):
            "the symlink \(path) -> \(TerminalText.escape(target)) leaves the set; change it, or allow such links for the"
                + " set (allow_escaping_links)"
        case .tooManyEntries: "the set has more than \(ManifestLimits.entries) entries"
        }
    }
}
