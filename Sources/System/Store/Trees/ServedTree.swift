import Content
import LinuxIO

/// Writes the entries of a manifest as a tree of hard links, in a folder that nobody looks at yet; or puts right single
/// entries of a tree that is served.
///
/// Directories are 0755 and get their times in `finish`, after everything in them was made.
struct ServedTree: Sendable {
    private let root: Folder
    private let blobs: BlobFiles
    /// Where links are made before they are renamed into a tree that is served.
    private let scratch: Folder
    /// Makes another inode when all existing ones are full, unless another thread has just made it.
    private let makeCopy: @Sendable (BlobVariant) throws -> Void
    private var current: (path: [UInt8], folder: Folder)?
    /// The inode in use where the first has no room for another link.
    private var copies: [BlobVariant: Int] = [:]
    /// Directories made or touched, with the times they must have in the end.
    private var directories: [(path: RelativePath, modified: Int64)] = []

    init(
        root: Folder, blobs: BlobFiles, scratch: Folder, makeCopy: @escaping @Sendable (BlobVariant) throws -> Void
    ) {
        self.root = root
        self.blobs = blobs
        self.scratch = scratch
        self.makeCopy = makeCopy
    }

    /// Makes the entry; its directory is there already, because a manifest is sorted.
    mutating func add(_ entry: ManifestEntry) throws {
        let (folder, name) = try place(entry.path)
        switch entry.type {
        case .directory:
            try folder.makeFolder(name, mode: 0o755)
            directories.append((entry.path, entry.modified))
        case .symlink:
            try folder.makeSymlink(entry.linkTarget, at: name)
            try folder.setModified(name, FileTime(seconds: entry.modified))
        case .file:
            guard let variant = BlobVariant(entry) else { return }
            try link(variant, into: folder, as: name)
        }
    }

    /// Gives directories their times. The root of a tree has no entry of its own.
    func finish() throws {
        for (path, modified) in directories {
            try root.setModified(path.bytes, FileTime(seconds: modified))
        }
    }

    /// What is wrong with the entry in the tree as it is; nil if nothing is.
    mutating func fault(_ entry: ManifestEntry) throws -> String? {
        let found: FileAttributes?
        let place: (folder: Folder, name: [UInt8])
        do {
            place = try self.place(entry.path)
            found = try place.folder.stat(place.name)
        } catch let error as FileError where error.isNotFound {
            return "is missing in the served tree"
        }
        guard let found else { return "is missing in the served tree" }
        switch entry.type {
        case .directory:
            guard found.type == .directory else { return "is not a directory in the served tree" }
            guard found.permissions == 0o755 else { return "has mode \(String(found.permissions, radix: 8))" }
        case .symlink:
            guard found.type == .symlink else { return "is not a symbolic link in the served tree" }
            guard try place.folder.readLink(place.name) == entry.linkTarget else { return "points elsewhere" }
        case .file:
            guard found.type == .regular else { return "is not a plain file in the served tree" }
            guard found.size == entry.size else { return "has \(found.size) bytes instead of \(entry.size)" }
            guard found.permissions == (entry.isExecutable ? 0o755 : 0o644) else {
                return "has mode \(String(found.permissions, radix: 8))"
            }
        }
        guard found.modified.seconds == entry.modified else { return "has another modification time" }
        return nil
    }

    /// Whether the tree's file is an inode that the store knows by that variant or one of its copies.
    mutating func isLinked(_ entry: ManifestEntry) throws -> Bool {
        guard let variant = BlobVariant(entry) else { return true }
        let found: FileAttributes?
        do {
            let place = try self.place(entry.path)
            found = try place.folder.stat(place.name)
        } catch let error as FileError where error.isNotFound {
            return false
        }
        guard let found else { return false }
        return try isLinked(found.inode, variant)
    }

    private func isLinked(_ inode: UInt64, _ variant: BlobVariant) throws -> Bool {
        var copy = 0
        while let stored = try blobs.stat(variant.withCopy(copy)) {
            if stored.inode == inode { return true }
            copy += 1
        }
        return false
    }

    /// Whether the tree's file is an inode that the store knows by the entry's bytes and mode and another time: that was
    /// changed in place, for another release.
    mutating func showsOtherTime(_ entry: ManifestEntry) throws -> Bool {
        guard let variant = BlobVariant(entry) else { return false }
        do {
            let place = try self.place(entry.path)
            guard let found = try place.folder.stat(place.name), found.size == entry.size,
                found.permissions == variant.mode, found.modified.seconds != variant.modified
            else { return false }
            let shown = BlobVariant(
                digest: variant.digest, modified: found.modified.seconds, isExecutable: variant.isExecutable)
            return try isLinked(found.inode, shown)
        } catch let error as FileError where error.isNotFound {
            return false
        }
    }

    /// Puts one entry of a served tree right: what stands there is replaced by one rename, so that a reader sees the
    /// wrong thing, or nothing, and then the right one.
    mutating func repair(_ entry: ManifestEntry) throws {
        let (folder, name) = try place(entry.path)
        if let parent = entry.path.parent, !directories.contains(where: { $0.path == parent }) {
            let modified = try folder.attributes().modified.seconds
            directories.append((parent, modified))
        }
        if entry.type == .directory, try folder.stat(name)?.type == .directory {
            try folder.subfolder(name).setMode(0o755)
            directories.removeAll { $0.path == entry.path }
            directories.append((entry.path, entry.modified))
            return
        }
        if try folder.stat(name)?.type == .directory { try folder.removeTree(name) }
        switch entry.type {
        case .directory:
            try folder.unlinkIfPresent(name)
            try folder.makeFolder(name, mode: 0o755)
            current = nil
            directories.append((entry.path, entry.modified))
        case .symlink:
            try folder.unlinkIfPresent(name)
            try folder.makeSymlink(entry.linkTarget, at: name)
            try folder.setModified(name, FileTime(seconds: entry.modified))
        case .file:
            guard let variant = BlobVariant(entry) else { return }
            let temporary = Array("repair".utf8)
            try scratch.unlinkIfPresent(temporary)
            try link(variant, into: scratch, as: temporary)
            try scratch.rename(temporary, in: folder, to: name)
            // Renaming one link of an inode over another link of it does nothing, and leaves both.
            try scratch.unlinkIfPresent(temporary)
        }
    }

    /// Takes an entry's file out of the tree if it is the inode `inode`; whether it was.
    mutating func remove(_ path: RelativePath, inode: UInt64) throws -> Bool {
        let found: (folder: Folder, name: [UInt8])
        do {
            found = try place(path)
        } catch let error as FileError where error.isNotFound {
            return false
        }
        guard try found.folder.stat(found.name)?.inode == inode else { return false }
        let modified = try found.folder.attributes().modified
        try found.folder.unlink(found.name)
        try found.folder.setModified(modified)
        return true
    }

    /// Takes a file out of the tree that is none of the store's inodes, or is not a plain file at all.
    mutating func removeForeign(_ entry: ManifestEntry) throws {
        guard try !isLinked(entry) else { return }
        let found: (folder: Folder, name: [UInt8])
        do {
            found = try place(entry.path)
        } catch let error as FileError where error.isNotFound {
            return
        }
        guard let attributes = try found.folder.stat(found.name), attributes.type != .directory else { return }
        let modified = try found.folder.attributes().modified
        try found.folder.unlink(found.name)
        try found.folder.setModified(modified)
    }

    private mutating func link(_ variant: BlobVariant, into folder: Folder, as name: [UInt8]) throws {
        var copy = copies.isEmpty ? 0 : copies[variant] ?? 0
        while true {
            do {
                try blobs.link(variant.withCopy(copy), into: folder, as: name)
                return
            } catch {
                // One plain clause: the compiler (6.3.1) crashes on several conditional ones of a typed error.
                if error.isOutOfLinks {
                    copy += 1
                    copies[variant] = copy
                } else if error.isNotFound, copy > 0 {
                    try makeCopy(variant.withCopy(copy))
                } else {
                    throw error
                }
            }
        }
    }

    /// Notes the time that a directory must have in the end.
    mutating func note(_ path: RelativePath, modified: Int64) { directories.append((path, modified)) }

    /// Forgets the folder last used: it may be gone.
    mutating func forgetPlace() { current = nil }

    /// The folder that holds the last component of a path, and that component.
    mutating func place(_ path: RelativePath) throws -> (folder: Folder, name: [UInt8]) {
        let bytes = path.bytes
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return (root, bytes) }
        let name = Array(bytes[(slash + 1)...])
        if let current, current.path.count == slash, current.path.elementsEqual(bytes[..<slash]) {
            return (current.folder, name)
        }
        let parent = Array(bytes[..<slash])
        let folder = try root.subfolder(parent)
        current = (parent, folder)
        return (folder, name)
    }
}
