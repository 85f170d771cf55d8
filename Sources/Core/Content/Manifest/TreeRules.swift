/// The rules that make a stream of entries in ascending order a tree of files: every parent is an entry and a directory,
/// nothing is there twice, and symlinks stay inside the set unless they may leave it.
///
/// Give every entry to `check`, then call `finish`. Memory grows with the depth of the tree and with the number of
/// symlinks that go up after going down (which are rare).
package struct TreeRules {
    private let allowsEscapingLinks: Bool
    private var last: RelativePath?
    private var entryCount: UInt64 = 0
    /// The lengths of the directories that are a byte prefix of the last path, ascending. Bytewise order puts `a-b`
    /// between `a` and `a/c`, so a directory stays here for as long as later paths may begin with its bytes.
    private var openDirectories: [Int] = []
    /// Paths that must not be symlinks, and the link that says so.
    private var crossings: [(path: RelativePath, link: ManifestEntry)] = []

    /// Rules for a set; `allowsEscapingLinks` takes symlinks as they are.
    package init(allowsEscapingLinks: Bool = false) {
        self.allowsEscapingLinks = allowsEscapingLinks
    }

    /// Takes the next entry. Throws `TreeRuleError`.
    package mutating func check(_ entry: ManifestEntry) throws(TreeRuleError) {
        entryCount += 1
        guard entryCount <= ManifestLimits.entries else { throw .tooManyEntries }
        let path = entry.path.bytes
        if let last {
            let (shared, order) = KeyOrder.compare(last.bytes, path)
            guard order < 0 else { throw .notAscending(previous: last, next: entry.path) }
            while let length = openDirectories.last, length > shared { openDirectories.removeLast() }
        }
        last = entry.path
        if let slash = path.lastIndex(of: UInt8(ascii: "/")), openDirectories.last(where: { $0 <= slash }) != slash {
            throw .parentIsNoDirectory(entry.path)
        }
        switch entry.type {
        case .file: break
        case .directory: openDirectories.append(path.count)
        case .symlink: if !allowsEscapingLinks { try checkLink(entry) }
        }
    }

    /// Takes a symlink of a tree that is not given as a stream. Throws `TreeRuleError`.
    mutating func check(changedLink entry: ManifestEntry) throws(TreeRuleError) {
        if entry.type == .symlink, !allowsEscapingLinks { try checkLink(entry) }
    }

    /// Whether a path that becomes a symlink can turn another link of the tree into one that leaves the set.
    var followsLinks: Bool { !allowsEscapingLinks }

    /// Ends the stream; `typeOf` tells what is at a path. Throws `TreeRuleError` and what `typeOf` throws.
    package func finish(typeOf: (RelativePath) throws -> EntryType?) throws {
        for (path, link) in crossings where try typeOf(path) == .symlink {
            throw TreeRuleError.linkLeavesSet(link.path, target: link.linkTarget)
        }
    }

    /// Follows the target by its text. Going up from the link's own directory, which is no symlink, is exact. Going up
    /// after a name is exact only if the name is no symlink, which is seen at the end.
    private mutating func checkLink(_ link: ManifestEntry) throws(TreeRuleError) {
        let target = link.linkTarget
        guard target.first != UInt8(ascii: "/") else { throw .linkLeavesSet(link.path, target: target) }
        var place = link.path.components.dropLast().map { Array($0) }
        var names: [[[UInt8]]] = []
        for component in target.split(separator: UInt8(ascii: "/")) where !component.elementsEqual(".".utf8) {
            guard component.elementsEqual("..".utf8) else {
                place.append(Array(component))
                names.append(place)
                continue
            }
            guard place.popLast() != nil else { throw .linkLeavesSet(link.path, target: target) }
            for name in names {
                // What is not a path of the set cannot be a symlink in it.
                guard let path = try? RelativePath(Array(name.joined(separator: [UInt8(ascii: "/")]))) else { continue }
                crossings.append((path, link))
            }
            names.removeAll()
        }
    }
}
