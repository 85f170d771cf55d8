import CLinux
import Glibc

/// An exclusive lock on a file (flock), held as long as this object; a process that dies lets it go.
///
/// The lock file stays: removing it would let two processes lock two inodes of one name.
package final class FileLock: Sendable {
    private let file: OpenFile

    private init(holding file: OpenFile) { self.file = file }

    /// Takes the lock `path` in `folder`, made if it is not there; nil if another holds it, in this process or
    /// another. Never waits.
    /// - Throws: `FileError` if the file cannot be made, opened or read.
    package static func acquire(in folder: Folder, _ path: [UInt8]) throws(FileError) -> FileLock? {
        let file = try folder.openOrCreateFile(path, mode: 0o600)
        let result = clinux_lock(file.descriptor, 0)
        if result == -EWOULDBLOCK { return nil }
        try checked(result, "lock", file.shownName)
        // Who holds it, for the message that another prints; not what the lock rests on.
        try file.truncate(to: 0)
        try file.write(Array("\(clinux_pid())\n".utf8), at: 0)
        return FileLock(holding: file)
    }

    /// `acquire` for a path given as text.
    /// - Throws: `FileError` if the file cannot be made, opened or read.
    package static func acquire(in folder: Folder, _ path: String) throws(FileError) -> FileLock? {
        try acquire(in: folder, Array(path.utf8))
    }

    /// The process that wrote its number into the lock file last, if it says one.
    /// - Throws: `FileError` if the file cannot be made, opened or read.
    package static func holder(in folder: Folder, _ path: [UInt8]) throws(FileError) -> Int32? {
        guard let file = try folder.openFileIfPresent(path) else { return nil }
        let text = try file.read(16, at: 0).prefix { $0 != UInt8(ascii: "\n") }
        return Int32(String(decoding: text, as: UTF8.self))
    }
}
