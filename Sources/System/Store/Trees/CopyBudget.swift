import Content

/// Decides, in the order of paths, which files that change in their time alone are copied, and which are left to have
/// their times changed in place: from the first one on that the limit has no room for.
struct CopyBudget {
    /// A file that is not copied.
    struct Later: Hashable {
        /// The inode that the release needs.
        let variant: BlobVariant
        let size: UInt64
        /// The time that the head shows at the file's path.
        let headModified: Int64
    }

    private(set) var later: [Later] = []
    private var room: UInt64
    /// The times that the head shows, of files that change in nothing else.
    private let headTimes: [RelativePath: Int64]
    /// Whether each inode that was asked about was left.
    private var answers: [BlobVariant: Bool] = [:]

    init(bytes: UInt64, headTimes: [RelativePath: Int64]) {
        room = bytes
        self.headTimes = headTimes
    }

    /// Whether the entry's missing inode is left for later; asked in the order of paths.
    mutating func leaves(_ entry: ManifestEntry, _ variant: BlobVariant) -> Bool {
        guard let headModified = headTimes[entry.path] else { return false }
        if let answer = answers[variant] { return answer }
        let isCopied = later.isEmpty && entry.size <= room
        answers[variant] = !isCopied
        if isCopied {
            room -= entry.size
        } else {
            later.append(Later(variant: variant, size: entry.size, headModified: headModified))
        }
        return !isCopied
    }
}
