import CLinux
import Glibc

/// An open file. Reads and writes name their offset, so any number of threads may use it at once; the descriptor
/// closes with the last reference. Signals never cut a call short, short writes are continued.
package final class OpenFile: Sendable {
    /// Valid as long as this object: for calls that this type does not offer.
    package let descriptor: Int32
    /// The path that the file was opened by, for messages only.
    package let shownName: [UInt8]

    init(adopting descriptor: Int32, name: [UInt8]) {
        self.descriptor = descriptor
        self.shownName = name
    }

    deinit { clinux_close(descriptor) }

    /// Opens for reading a file by a path that the operator gave: absolute or relative to the working directory,
    /// symbolic links followed. Never waits on a fifo.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package static func open(_ path: [UInt8]) throws(FileError) -> OpenFile {
        let result = withTerminated(path[...]) { clinux_open($0, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0) }
        return OpenFile(adopting: try checked(result, "open", path), name: path)
    }

    /// What the file is now.
    /// - Throws: `FileError` if it cannot be looked at.
    package func attributes() throws(FileError) -> FileAttributes {
        var raw = clinux_attributes()
        try checked(clinux_stat(descriptor, "", &raw), "look at", shownName)
        return FileAttributes(raw)
    }

    // MARK: Reading

    /// Fills `buffer` from `offset` on; the bytes read, fewer than asked only at the end of the file.
    /// - Throws: `FileError` if the file cannot be read.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(FileError) -> Int {
        let count = clinux_read_all(descriptor, buffer.baseAddress, buffer.count, offset)
        return Int(try checked(count, "read", shownName))
    }

    /// Up to `count` bytes from `offset` on, fewer only at the end of the file.
    /// - Throws: `FileError` if the file cannot be read.
    package func read(_ count: Int, at offset: UInt64) throws(FileError) -> [UInt8] {
        guard count > 0 else { return [] }
        var result: Int64 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            result = clinux_read_all(descriptor, buffer.baseAddress, count, offset)
            filled = max(0, Int(result))
        }
        try checked(result, "read", shownName)
        return bytes
    }

    /// The whole file, or EFBIG if it has more than `limit` bytes.
    /// - Throws: `FileError` if the file cannot be read.
    package func readAll(limit: Int) throws(FileError) -> [UInt8] {
        // One byte more than allowed: a file that grows while it is read must not pass.
        let size = Int(clamping: try attributes().size)
        guard size <= limit else { throw FileError("read", shownName, errno: EFBIG) }
        let bytes = try read(min(size, limit) + 1, at: 0)
        if bytes.count <= size { return bytes }
        let grown = try read(limit + 1, at: 0)
        guard grown.count <= limit else { throw FileError("read", shownName, errno: EFBIG) }
        return grown
    }

    // MARK: Writing

    /// Writes all of `buffer` at `offset`. Not atomic: after an error a part may be there.
    /// - Throws: `FileError`: ENOSPC, EDQUOT or EIO among others; a part may be there then.
    package func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(FileError) {
        try checked(clinux_write_all(descriptor, buffer.baseAddress, buffer.count, offset), "write", shownName)
    }

    /// Writes all of `bytes` at `offset`.
    /// - Throws: `FileError`: ENOSPC, EDQUOT or EIO among others; a part may be there then.
    package func write(_ bytes: [UInt8], at offset: UInt64) throws(FileError) {
        let result = bytes.withUnsafeBytes { clinux_write_all(descriptor, $0.baseAddress, $0.count, offset) }
        try checked(result, "write", shownName)
    }

    /// Reserves disk space for `count` bytes from `offset` on and makes the file at least that long, so that later
    /// writes there do not meet ENOSPC. Where the file system cannot reserve it only sets the length.
    /// - Throws: `FileError`: ENOSPC, EDQUOT or EIO among others; a part may be there then.
    package func allocate(offset: UInt64 = 0, _ count: UInt64) throws(FileError) {
        guard count > 0 else { return }
        let result = clinux_allocate(descriptor, offset, count, 0)
        if result == -EOPNOTSUPP || result == -ENOSYS {
            if try attributes().size < offset + count { try truncate(to: offset + count) }
            return
        }
        try checked(result, "allocate space for", shownName)
    }

    /// Makes the file exactly `size` bytes long; what is added reads as zeros.
    /// - Throws: `FileError` if the kernel refuses.
    package func truncate(to size: UInt64) throws(FileError) {
        try checked(clinux_truncate(descriptor, size), "truncate", shownName)
    }

    // MARK: Attributes

    /// Sets exactly these permission bits.
    /// - Throws: `FileError` if the kernel refuses.
    package func setMode(_ mode: UInt32) throws(FileError) {
        try checked(clinux_chmod(descriptor, mode), "set mode of", shownName)
    }

    /// Sets the modification time, and the access time to the same.
    /// - Throws: `FileError` if the kernel refuses.
    package func setModified(_ time: FileTime) throws(FileError) {
        let result = clinux_set_descriptor_times(descriptor, time.seconds, time.nanoseconds)
        try checked(result, "set time of", shownName)
    }

    // MARK: Durability

    /// Makes bytes and attributes durable (fsync). **After an error the bytes are lost even if a second call says
    /// that all is well**: drop the file and make it anew.
    /// - Throws: `FileError` if something could not be made durable.
    package func sync() throws(FileError) {
        try checked(clinux_fsync(descriptor), "sync", shownName)
    }

    /// Makes the bytes and the length durable, not the times (fdatasync). Errors as with `sync()`.
    /// - Throws: `FileError` if something could not be made durable.
    package func syncData() throws(FileError) {
        try checked(clinux_fdatasync(descriptor), "sync", shownName)
    }

    /// Starts writing a range to the disk and does not wait: not durable, but a later `syncData()` waits less.
    /// - Throws: `FileError` if the kernel refuses.
    package func startWriteback(offset: UInt64, count: UInt64) throws(FileError) {
        let result = clinux_start_writeback(descriptor, offset, count)
        if result == -ENOSYS || result == -ESPIPE { return }
        try checked(result, "write back", shownName)
    }

    /// What the kernel should expect of a range. A wish: failure changes nothing and is not reported.
    package func advise(_ advice: ReadAdvice, offset: UInt64 = 0, count: UInt64 = 0) {
        let number: Int32 =
            switch advice {
            case .sequential: POSIX_FADV_SEQUENTIAL
            case .random: POSIX_FADV_RANDOM
            case .willNeed: POSIX_FADV_WILLNEED
            case .dontNeed: POSIX_FADV_DONTNEED
            }
        _ = clinux_advise(descriptor, offset, count, number)
    }

    /// Gives this file, also an unnamed one, the name `name` (one component) in `folder`. EEXIST if it is taken.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func link(into folder: Folder, name: [UInt8]) throws(FileError) {
        let result = folder.resolve(name) { clinux_link_descriptor(descriptor, $0, $1) }
        try checked(result, "link", shownName, to: folder.full(name))
    }
}

/// How a range of a file is going to be used.
package enum ReadAdvice: Sendable {
    case sequential, random, willNeed
    /// Its pages may leave the page cache; only clean ones do.
    case dontNeed
}
