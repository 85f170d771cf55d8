import CLinux
import Glibc

/// How a copy was made.
package enum CopyMethod: Hashable, Sendable {
    /// Both files share their blocks: no bytes were moved, no space is used until one changes.
    case reflink
    /// The kernel moved the bytes (copy_file_range).
    case kernel
    /// This program moved the bytes.
    case buffer
}

extension OpenFile {
    /// Lets this empty file share all blocks of `source` (FICLONE).
    /// - Returns: false where that is not possible here: a file system without it, two file systems, a swap file.
    ///   Nothing was changed then.
    /// - Throws: `FileError`: ENOSPC, EDQUOT or EIO among others; a part may be there then.
    package func reflink(from source: OpenFile) throws(FileError) -> Bool {
        try shares(clinux_reflink(source.descriptor, descriptor), with: source)
    }

    /// Lets this file share the blocks of `count` bytes of `source`, in place of what it has at `offset` (FICLONERANGE). All
    /// three numbers must be multiples of the file system's block. Atomic for readers of either file.
    /// - Returns: false where that is not possible here, as for the other `reflink`, or for these numbers.
    /// - Throws: `FileError`: ENOSPC, EDQUOT or EIO among others; a part may be there then.
    package func reflink(
        from source: OpenFile, sourceOffset: UInt64, count: UInt64, at offset: UInt64
    ) throws(FileError) -> Bool {
        let result = clinux_reflink_range(source.descriptor, sourceOffset, count, descriptor, offset)
        return try shares(result, with: source)
    }

    private func shares(_ result: Int32, with source: OpenFile) throws(FileError) -> Bool {
        switch -result {
        case EOPNOTSUPP, ENOTTY, EXDEV, EINVAL, ENOSYS, ETXTBSY, EBADF: return false
        default:
            try checked(result, "reflink", source.shownName, to: shownName)
            return true
        }
    }

    /// Copies `count` bytes from `source` at `sourceOffset` to `offset` here, by the kernel where it can, else by read
    /// and write. EIO if the source ends before: it was cut while it was read.
    /// - Throws: `FileError`: ENOSPC, EDQUOT or EIO among others; a part may be there then.
    @discardableResult
    package func copyRange(
        from source: OpenFile, sourceOffset: UInt64 = 0, offset: UInt64 = 0, count: UInt64
    ) throws(FileError) -> CopyMethod {
        var done: UInt64 = 0
        while done < count {
            let step = clinux_copy_range(
                source.descriptor, sourceOffset + done, descriptor, offset + done, Int(clamping: count - done))
            switch step {
            case 1...: done += UInt64(step)
            case 0:
                // Some file systems say 0 for a file that is not at its end (proc, some network ones): read it.
                try copyBuffered(from: source, sourceOffset + done, offset + done, count - done)
                return .buffer
            case Int64(-EXDEV), Int64(-EOPNOTSUPP), Int64(-ENOSYS), Int64(-EINVAL), Int64(-EPERM), Int64(-EBADF):
                try copyBuffered(from: source, sourceOffset + done, offset + done, count - done)
                return .buffer
            default: try checked(step, "copy", source.shownName, to: shownName)
            }
        }
        return .kernel
    }

    /// Makes this empty file a copy of `source`, which has `size` bytes: a reflink where `allowsReflink` and the file
    /// system can, else by `copyRange`; then sets the modification time if one is given.
    /// - Throws: `FileError`: ENOSPC, EDQUOT or EIO among others; a part may be there then.
    @discardableResult
    package func copyAll(
        from source: OpenFile, size: UInt64, allowsReflink: Bool = true, modified: FileTime? = nil
    ) throws(FileError) -> CopyMethod {
        var method = CopyMethod.reflink
        let shares = allowsReflink ? try reflink(from: source) : false
        if !shares {
            try allocate(size)
            method = try copyRange(from: source, count: size)
        }
        if let modified { try setModified(modified) }
        return method
    }

    private func copyBuffered(
        from source: OpenFile, _ sourceOffset: UInt64, _ offset: UInt64, _ count: UInt64
    ) throws(FileError) {
        // 1 MiB: larger gains nothing from the page cache, smaller costs calls.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(min(count, 1 << 20)), alignment: 4096)
        defer { buffer.deallocate() }
        var done: UInt64 = 0
        while done < count {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(UInt64(buffer.count), count - done))])
            let read = try source.read(into: part, at: sourceOffset + done)
            guard read > 0 else { throw FileError("copy", source.shownName, otherPath: shownName, errno: EIO) }
            try write(UnsafeRawBufferPointer(rebasing: part[..<read]), at: offset + done)
            done += UInt64(read)
        }
    }
}
