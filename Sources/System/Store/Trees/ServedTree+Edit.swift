import Content
import Glibc
import LinuxIO

extension ServedTree {
    /// Makes the tree of release `from` that of release `to`, by what differs between them. Nobody may look at it
    /// meanwhile; after an error it is rubbish.
    ///
    /// Costs what changed: subtrees of the manifest that are equal are not read, and of the folders only those are
    /// touched in which something changes.
    mutating func edit(
        from: NodeDigest, to: NodeDigest, known: KnownChanges = KnownChanges(), source: @escaping NodeSource
    ) throws {
        var touched: Set<RelativePath> = []
        try ManifestTree.diff(from, to, known: known, source: source) { edit in
            if let parent = edit.path.parent { touched.insert(parent) }
            switch edit {
            case .remove(let path): try clear(path)
            case .put(let entry): try put(entry)
            }
        }
        // Whatever was made or removed in a folder has changed its time.
        try ManifestTree.forEachEntry(at: touched.sorted(), root: to, source: source) { entry in
            if entry.isDirectory { note(entry.path, modified: entry.modified) }
        }
        try finish()
    }

    /// Removes what stands at a path, with all below it. Edits come in the order of paths, so a folder goes before what
    /// was in it: that is gone, or something else stands in the folder's place.
    private mutating func clear(_ path: RelativePath) throws {
        do {
            let (folder, name) = try place(path)
            try remove(name, in: folder)
        } catch let error as FileError where error.isNotFound || error.isSymbolicLink || error.errno == ENOTDIR {
            return
        }
    }

    private mutating func put(_ entry: ManifestEntry) throws {
        let (folder, name) = try place(entry.path)
        let standing = try folder.stat(name)
        if entry.isDirectory, standing?.type == .directory {
            note(entry.path, modified: entry.modified)
            return
        }
        if standing != nil { try remove(name, in: folder) }
        try add(entry)
    }

    private mutating func remove(_ name: [UInt8], in folder: Folder) throws {
        try folder.removeTree(name)
        // The folder last used may have been below.
        forgetPlace()
    }
}
