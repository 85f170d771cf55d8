import CLinux
import Glibc

/// One name in a directory.
package struct FolderEntry: Hashable, Sendable {
    /// Raw bytes, as the file system has them.
    package let name: [UInt8]
    /// `unknown` where the file system does not say: `Folder.stat` does.
    package let type: FileType
}

/// The names in one directory, without `.` and `..`: in one block of memory, so that a million of them cost their own
/// bytes and eight more each.
package struct FolderListing: Sendable {
    // Each record: type, length of the name, the name.
    private var bytes: [UInt8] = []
    private var starts: [Int] = []

    /// How many names there are.
    package var count: Int { starts.count }

    /// The name at `index`.
    package func name(at index: Int) -> [UInt8] { Array(nameSlice(at: index)) }

    /// The type at `index`, `unknown` where the file system does not say.
    package func type(at index: Int) -> FileType { FileType(directoryEntry: bytes[starts[index]]) }

    /// The whole entry at `index`.
    package subscript(index: Int) -> FolderEntry { FolderEntry(name: name(at: index), type: type(at: index)) }

    private func nameSlice(at index: Int) -> ArraySlice<UInt8> {
        let start = starts[index]
        return bytes[(start + 2)..<(start + 2 + Int(bytes[start + 1]))]
    }

    /// Sorts by the bytes of the names, shorter first where one begins the other.
    package mutating func sort() {
        bytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            starts.sort { a, b in
                let (countA, countB) = (Int(base[a + 1]), Int(base[b + 1]))
                let order = memcmp(base + a + 2, base + b + 2, min(countA, countB))
                return order == 0 ? countA < countB : order < 0
            }
        }
    }

    /// Appends what getdents64 put into `buffer`; false if a record is malformed, as only a broken file system
    /// (or a hostile one in user space) makes it.
    fileprivate mutating func append(_ buffer: UnsafeRawBufferPointer) -> Bool {
        // linux_dirent64: u64 inode, i64 offset, u16 record length, u8 type, name with a NUL.
        let header = 19
        var at = 0
        while at < buffer.count {
            guard buffer.count - at > header else { return false }
            let length = Int(buffer.loadUnaligned(fromByteOffset: at + 16, as: UInt16.self))
            guard length > header, length <= buffer.count - at else { return false }
            let name = UnsafeRawBufferPointer(rebasing: buffer[(at + header)..<(at + length)])
            guard let end = name.firstIndex(of: 0), end > 0, end <= 255 else { return false }
            let isDot = name[0] == UInt8(ascii: ".") && (end == 1 || (end == 2 && name[1] == UInt8(ascii: ".")))
            if !isDot {
                guard !name[..<end].contains(UInt8(ascii: "/")) else { return false }
                starts.append(bytes.count)
                bytes.append(buffer[at + 18])
                bytes.append(UInt8(end))
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: name[..<end]))
            }
            at += length
        }
        return true
    }
}

extension Folder {
    /// All names in this directory, in the file system's order, or by their bytes if `sorted`.
    ///
    /// A name that is added or removed meanwhile may be there or not; every other is there once.
    /// - Throws: `FileError` if it cannot be looked at.
    package func listing(sorted: Bool = false) throws(FileError) -> FolderListing {
        // A descriptor of its own: the position in a directory belongs to the open file, not to the caller.
        let reader = openBeneath([UInt8(ascii: ".")], O_RDONLY | O_DIRECTORY, 0)
        try checked(reader, "list", shownName)
        defer { clinux_close(reader) }
        var listing = FolderListing()
        var failure: Int64 = 0
        withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 8) { buffer in
            while true {
                let count = clinux_getdents(reader, buffer.baseAddress, buffer.count)
                guard count > 0 else {
                    failure = count
                    return
                }
                guard listing.append(UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)])) else {
                    failure = -Int64(EIO)
                    return
                }
            }
        }
        try checked(failure, "list", shownName)
        if sorted { listing.sort() }
        return listing
    }

    /// All names in this directory, sorted by their bytes unless asked otherwise.
    /// - Throws: `FileError` if it cannot be looked at.
    package func list(sorted: Bool = true) throws(FileError) -> [FolderEntry] {
        let listing = try listing(sorted: sorted)
        return (0..<listing.count).map { listing[$0] }
    }
}
