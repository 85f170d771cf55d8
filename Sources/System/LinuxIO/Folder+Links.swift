import CLinux
import Glibc

/// What a rename does with a target that exists.
package enum RenameRule: Sendable {
    /// It is replaced.
    case replace
    /// The rename fails with EEXIST.
    case noReplace
    /// The two names swap what they name; both must exist.
    case exchange

    fileprivate var flags: UInt32 {
        switch self {
        case .replace: 0
        case .noReplace: UInt32(CLINUX_RENAME_NO_REPLACE)
        case .exchange: UInt32(CLINUX_RENAME_EXCHANGE)
        }
    }
}

extension Folder {
    /// Gives the file at `path` a further name `newPath` in `target` (or here). EEXIST if that name is taken, EMLINK
    /// if the inode has no room, EXDEV if the two lie on different file systems or mounts. Atomic.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func link(_ path: [UInt8], in target: Folder? = nil, to newPath: [UInt8]) throws(FileError) {
        let target = target ?? self
        let result = resolve(path) { fromFolder, from in
            target.resolve(newPath) { toFolder, to in clinux_link(fromFolder, from, toFolder, to) }
        }
        try checked(result, "link", full(path), to: target.full(newPath))
    }

    /// Renames `path` to `newPath` in `target` (or here). Atomic.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func rename(
        _ path: [UInt8], in target: Folder? = nil, to newPath: [UInt8], _ rule: RenameRule = .replace
    ) throws(FileError) {
        let target = target ?? self
        let result = resolve(path) { fromFolder, from in
            target.resolve(newPath) { toFolder, to in clinux_rename(fromFolder, from, toFolder, to, rule.flags) }
        }
        try checked(result, "rename", full(path), to: target.full(newPath))
    }

    /// Makes a symbolic link at `path`; `target` is kept as it is and need not exist. EEXIST if the name is taken.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func makeSymlink(_ target: [UInt8], at path: [UInt8]) throws(FileError) {
        guard !target.contains(0) else { throw FileError("make link", full(path), errno: EINVAL) }
        let result = resolve(path) { folder, name in
            withTerminated(target[...]) { clinux_symlink($0, folder, name) }
        }
        try checked(result, "make link", full(path))
    }

    /// Points the symbolic link at `path` to `target`, in one rename of a link made beside it under the name
    /// `temporary` (what was left there by a crash is removed). Atomic; durable after `sync()` of the directory.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func replaceSymlink(_ target: [UInt8], at path: [UInt8], by temporary: [UInt8]) throws(FileError) {
        try unlinkIfPresent(temporary)
        try makeSymlink(target, at: temporary)
        try rename(temporary, to: path)
    }

    /// Removes the name of a file, link or other thing that is no directory.
    /// - Throws: `FileError` if something cannot be removed.
    package func unlink(_ path: [UInt8]) throws(FileError) {
        try checked(resolve(path) { clinux_unlink($0, $1, 0) }, "remove", full(path))
    }

    /// Removes a name; false if nothing had it.
    /// - Throws: `FileError` if something cannot be removed.
    @discardableResult
    package func unlinkIfPresent(_ path: [UInt8]) throws(FileError) -> Bool {
        let result = resolve(path) { clinux_unlink($0, $1, 0) }
        if result == -ENOENT { return false }
        try checked(result, "remove", full(path))
        return true
    }

    /// Removes an empty directory.
    /// - Throws: `FileError` if something cannot be removed.
    package func removeFolder(_ path: [UInt8]) throws(FileError) {
        try checked(resolve(path) { clinux_unlink($0, $1, 1) }, "remove directory", full(path))
    }

    /// Removes what `path` names, with everything below if it is a directory; nothing if nothing has that name.
    ///
    /// Links are removed, never followed; directories of mode 0 are opened up first. Not atomic: a crash leaves a
    /// part. Directories nested deeper than a walk has descriptors for fail with EMFILE; a store never has those.
    /// - Throws: `FileError` if something cannot be removed.
    package func removeTree(_ path: [UInt8]) throws(FileError) {
        let result = resolve(path) { clinux_unlink($0, $1, 0) }
        if result == 0 || result == -ENOENT { return }
        guard result == -EISDIR || result == -EPERM else {
            try checked(result, "remove", full(path))
            return
        }
        let folder: Folder
        do throws(FileError) {
            folder = try subfolder(path)
        } catch  where error.errno == ENOTDIR {
            throw FileError("remove", full(path), errno: -result)
        }
        try folder.removeContents()
        let removed = resolve(path) { clinux_unlink($0, $1, 1) }
        if removed != -ENOENT { try checked(removed, "remove directory", full(path)) }
    }

    /// Removes everything in this directory.
    /// - Throws: `FileError` if something cannot be removed.
    package func removeContents() throws(FileError) {
        let listing = try self.listing()
        for index in 0..<listing.count { try removeTree(listing.name(at: index)) }
    }

    /// Proves that a file made here can be linked and renamed into `target`, and a link renamed over another there:
    /// all that a store needs of a file system. What it made is gone when it returns, and what an earlier, killed
    /// proof left is removed.
    ///
    /// Hard links do not cross file systems, nor two mounts of one file system (EXDEV), nor exist on some (EPERM).
    /// - Parameter prefix: begins the names made; nothing else in the two folders may have it.
    /// - Throws: `FileError` of the first step that does not work here.
    package func proveLinks(into target: Folder? = nil, prefix: [UInt8] = Array(".prove-".utf8)) throws(FileError) {
        let target = target ?? self
        let source = prefix + Array("source".utf8)
        let linked = prefix + Array("linked".utf8)
        let moved = prefix + Array("moved".utf8)
        let symlink = prefix + Array("symlink".utf8)
        func clear() throws(FileError) {
            try unlinkIfPresent(source)
            for name in [linked, moved, symlink] { try target.unlinkIfPresent(name) }
        }
        try clear()
        do throws(FileError) {
            let file = try createFile(source, mode: 0o600)
            try link(source, in: target, to: linked)
            guard try target.stat(linked)?.inode == file.attributes().inode else {
                throw FileError("link", full(source), otherPath: target.full(linked), errno: EXDEV)
            }
            try target.rename(linked, to: moved)
            try rename(source, in: target, to: linked, .noReplace)
            try target.makeSymlink(moved, at: symlink)
            try target.rename(symlink, to: moved)
        } catch {
            try? clear()
            throw error
        }
        try clear()
    }
}
