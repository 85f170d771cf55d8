import CLinux

/// How full the file system is that holds a folder (statfs).
package struct DiskUsage: Hashable, Sendable {
    package let totalBytes: UInt64
    /// Free for this program: without what is reserved for root.
    package let freeBytes: UInt64
    /// 0 where the file system has no fixed number of inodes (btrfs).
    package let totalInodes: UInt64
    package let freeInodes: UInt64
    /// The magic number of the file system's type, as statfs(2) lists them.
    package let fileSystemType: UInt64

    /// Nothing on it outlives a reboot (tmpfs, ramfs).
    package var isMemoryOnly: Bool { fileSystemType == 0x0102_1994 || fileSystemType == 0x8584_58f6 }

    /// The usage of the file system that holds `folder`.
    /// - Throws: `FileError` if the file system does not say.
    package static func of(_ folder: Folder) throws(FileError) -> DiskUsage {
        var raw = clinux_disk_usage()
        try checked(clinux_disk(folder.descriptor, &raw), "ask for the space of", folder.shownName)
        return DiskUsage(
            totalBytes: raw.total_bytes, freeBytes: raw.available_bytes, totalInodes: raw.total_inodes,
            freeInodes: raw.free_inodes, fileSystemType: raw.type)
    }

    /// The usage of the file system that holds the directory at `path`.
    /// - Throws: `FileError` if the file system does not say.
    package static func of(_ path: [UInt8]) throws(FileError) -> DiskUsage { try of(Folder.open(path)) }

    /// The usage of the file system that holds the directory at `path`.
    /// - Throws: `FileError` if the file system does not say.
    package static func of(_ path: String) throws(FileError) -> DiskUsage { try of(Folder.open(path)) }
}
