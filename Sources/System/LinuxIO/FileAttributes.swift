import CLinux

/// What kind of thing a directory entry is.
package enum FileType: UInt8, Hashable, Sendable {
    case unknown, regular, directory, symlink, blockDevice, characterDevice, fifo, socket

    /// From the `d_type` field of a directory entry; `unknown` where the file system does not say.
    init(directoryEntry type: UInt8) {
        self =
            switch type {
            case 1: .fifo
            case 2: .characterDevice
            case 4: .directory
            case 6: .blockDevice
            case 8: .regular
            case 10: .symlink
            case 12: .socket
            default: .unknown
            }
    }

    /// From the format bits of `st_mode`; the same numbers as `d_type`, twelve bits up.
    init(mode: UInt32) {
        self.init(directoryEntry: UInt8(truncatingIfNeeded: (mode >> 12) & 0xf))
    }
}

/// A file's time: seconds since 1970, negative before, and nanoseconds (0 ..< 1,000,000,000) after them.
package struct FileTime: Hashable, Comparable, Sendable {
    package var seconds: Int64
    package var nanoseconds: UInt32

    package init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package static func < (a: FileTime, b: FileTime) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
}

/// What statx(2) says of a file.
package struct FileAttributes: Hashable, Sendable {
    package let type: FileType
    /// The twelve permission bits, setuid, setgid and sticky included.
    package let permissions: UInt32
    /// Bytes.
    package let size: UInt64
    /// Bytes on disk; less than `size` for a sparse file.
    package let allocatedBytes: UInt64
    package let modified: FileTime
    /// When the inode was last changed, also by link(2) and rename(2).
    package let changed: FileTime
    package let inode: UInt64
    package let device: UInt64
    /// Hard links.
    package let links: UInt32
    package let user: UInt32
    package let group: UInt32

    /// Any of the three execute bits is set.
    package var isExecutable: Bool { permissions & 0o111 != 0 }

    init(_ raw: clinux_attributes) {
        type = FileType(mode: raw.mode)
        permissions = raw.mode & 0o7777
        size = raw.size
        allocatedBytes = raw.allocated_bytes
        modified = FileTime(seconds: raw.modified_seconds, nanoseconds: raw.modified_nanoseconds)
        changed = FileTime(seconds: raw.changed_seconds, nanoseconds: raw.changed_nanoseconds)
        inode = raw.inode
        device = raw.device
        links = raw.links
        user = raw.user
        group = raw.group
    }
}
