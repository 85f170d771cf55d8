import CLinux

/// A file's bytes mapped for reading.
///
/// A disk error, or a file cut while mapped, ends the process (SIGBUS) when the bytes are touched, and the pages count
/// as memory of the process: use it only where that is worth the speed.
package final class FileMapping: @unchecked Sendable {
    // Sendable without checks: only read, and unmapped with the last reference.

    /// The first byte.
    package let bytes: UnsafeRawPointer
    /// How many there are.
    package let count: Int
    private let address: UnsafeMutableRawPointer

    /// Maps the first `count` bytes, which must be there; more than none.
    /// - Throws: `FileError` if the kernel cannot map it.
    package init(_ file: OpenFile, count: Int) throws(FileError) {
        var result: UnsafeMutableRawPointer?
        try checked(clinux_map(file.descriptor, count, &result), "map", file.shownName)
        guard let result else { throw FileError("map", file.shownName, errno: 0) }
        address = result
        bytes = UnsafeRawPointer(result)
        self.count = count
    }

    deinit { _ = clinux_unmap(address, count) }
}
