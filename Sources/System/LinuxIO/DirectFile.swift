import CLinux
import Glibc

/// Writes and reads a file past the page cache (O_DIRECT) where that is possible, and through it where it is not.
///
/// For long files that are written or read once: they push nothing else out of the cache, no page has to be found for
/// them, and a later sync has nothing left to write. Best for parts of 256 KiB and more.
package final class DirectFile: Sendable {
    /// What memory, offsets and lengths must be multiples of to pass the cache: that of every disk in use.
    package static let alignment = 4096

    /// The same file through the page cache: for small reads and attributes.
    package let plain: OpenFile
    /// nil: the file system has no direct access.
    private let direct: OpenFile?

    /// For `file`, which must be writable and stand at `name` in `folder`.
    package init(_ file: OpenFile, at name: [UInt8], in folder: Folder) {
        plain = file
        let result = folder.openBeneath(name, O_RDWR | O_NOFOLLOW | clinux_o_direct(), 0)
        direct = result >= 0 ? OpenFile(adopting: result, name: file.shownName) : nil
    }

    /// Writes all of `buffer` at `offset`: whole blocks past the cache if memory and offset are aligned, the rest through
    /// it. Not atomic. Nothing is durable before a sync: of the file's length and blocks the disk knows nothing yet.
    /// - Throws: `FileError`: ENOSPC, EDQUOT or EIO, as of any write.
    package func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(FileError) {
        var done = 0
        if let (direct, blocks) = directPart(UnsafeRawBufferPointer(buffer), offset) {
            do throws(FileError) {
                try direct.write(UnsafeRawBufferPointer(rebasing: buffer[..<blocks]), at: offset)
                done = blocks
            } catch  where error.errnoName == "EINVAL" {
                // Larger blocks than ours, or none at all: the cache takes everything.
            }
        }
        guard done < buffer.count else { return }
        try plain.write(UnsafeRawBufferPointer(rebasing: buffer[done...]), at: offset + UInt64(done))
    }

    /// Fills `buffer` from `offset` on, whole blocks past the cache if memory and offset are aligned; fewer bytes only where
    /// the file ends.
    /// - Returns: how many bytes were read.
    /// - Throws: `FileError`: EIO, as of any read.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(FileError) -> Int {
        var done = 0
        if let (direct, blocks) = directPart(UnsafeRawBufferPointer(buffer), offset) {
            do throws(FileError) {
                done = try direct.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<blocks]), at: offset)
                guard done == blocks else { return done }
            } catch  where error.errnoName == "EINVAL" {
                // As of a write.
            }
        }
        guard done < buffer.count else { return done }
        return done
            + (try plain.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]), at: offset + UInt64(done)))
    }

    /// The file past the cache, and how many bytes of `buffer` can take that way; nil if none.
    private func directPart(_ buffer: UnsafeRawBufferPointer, _ offset: UInt64) -> (OpenFile, Int)? {
        guard let direct, let base = buffer.baseAddress, Int(bitPattern: base) % Self.alignment == 0,
            offset % UInt64(Self.alignment) == 0
        else { return nil }
        let blocks = buffer.count / Self.alignment * Self.alignment
        return blocks > 0 ? (direct, blocks) : nil
    }
}
