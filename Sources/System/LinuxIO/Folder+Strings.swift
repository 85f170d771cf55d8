/// The same operations for names that this program chose itself and that are therefore text.
/// Names that come from outside are bytes: a `String` may change them.
extension Folder {
    /// `open` for a path given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package static func open(_ path: String, crossesMounts: Bool = true) throws(FileError) -> Folder {
        try open(Array(path.utf8), crossesMounts: crossesMounts)
    }

    /// `subfolder` for a path given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func subfolder(_ path: String) throws(FileError) -> Folder { try subfolder(Array(path.utf8)) }

    /// `subfolderIfPresent` for a path given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func subfolderIfPresent(_ path: String) throws(FileError) -> Folder? {
        try subfolderIfPresent(Array(path.utf8))
    }

    /// `openFile` for a path given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func openFile(_ path: String, writable: Bool = false) throws(FileError) -> OpenFile {
        try openFile(Array(path.utf8), writable: writable)
    }

    /// `openFileIfPresent` for a path given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func openFileIfPresent(_ path: String, writable: Bool = false) throws(FileError) -> OpenFile? {
        try openFileIfPresent(Array(path.utf8), writable: writable)
    }

    /// `createFile` for a path given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func createFile(_ path: String, mode: UInt32 = 0o644) throws(FileError) -> OpenFile {
        try createFile(Array(path.utf8), mode: mode)
    }

    /// `openOrCreateFile` for a path given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func openOrCreateFile(_ path: String, mode: UInt32 = 0o644) throws(FileError) -> OpenFile {
        try openOrCreateFile(Array(path.utf8), mode: mode)
    }

    /// `makeFolder` for a path given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    @discardableResult
    package func makeFolder(_ path: String, mode: UInt32 = 0o755) throws(FileError) -> Folder {
        try makeFolder(Array(path.utf8), mode: mode)
    }

    /// `ensureFolder` for a path given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func ensureFolder(_ path: String, mode: UInt32 = 0o755) throws(FileError) -> Folder {
        try ensureFolder(Array(path.utf8), mode: mode)
    }

    /// `stat` for a path given as text.
    /// - Throws: `FileError` if it cannot be looked at.
    package func stat(_ path: String) throws(FileError) -> FileAttributes? { try stat(Array(path.utf8)) }

    /// `readLink` for a path given as text.
    /// - Throws: `FileError` if it cannot be looked at.
    package func readLink(_ path: String) throws(FileError) -> [UInt8] { try readLink(Array(path.utf8)) }

    /// `link` for paths given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func link(_ path: String, in target: Folder? = nil, to newPath: String) throws(FileError) {
        try link(Array(path.utf8), in: target, to: Array(newPath.utf8))
    }

    /// `rename` for paths given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func rename(
        _ path: String, in target: Folder? = nil, to newPath: String, _ rule: RenameRule = .replace
    ) throws(FileError) {
        try rename(Array(path.utf8), in: target, to: Array(newPath.utf8), rule)
    }

    /// `makeSymlink` for a target and path given as text.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func makeSymlink(_ target: String, at path: String) throws(FileError) {
        try makeSymlink(Array(target.utf8), at: Array(path.utf8))
    }

    /// `unlink` for a path given as text.
    /// - Throws: `FileError` if something cannot be removed.
    package func unlink(_ path: String) throws(FileError) { try unlink(Array(path.utf8)) }

    /// `unlinkIfPresent` for a path given as text.
    /// - Throws: `FileError` if something cannot be removed.
    @discardableResult
    package func unlinkIfPresent(_ path: String) throws(FileError) -> Bool {
        try unlinkIfPresent(Array(path.utf8))
    }

    /// `removeFolder` for a path given as text.
    /// - Throws: `FileError` if something cannot be removed.
    package func removeFolder(_ path: String) throws(FileError) { try removeFolder(Array(path.utf8)) }

    /// `removeTree` for a path given as text.
    /// - Throws: `FileError` if something cannot be removed.
    package func removeTree(_ path: String) throws(FileError) { try removeTree(Array(path.utf8)) }
}
