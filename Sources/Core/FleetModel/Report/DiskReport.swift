/// How full the file system of a mirror's data directory is, in bytes.
package struct DiskReport: Codable, Sendable, Hashable {
    /// Size of the file system.
    package var totalBytes: UInt64
    /// Bytes that the agent may still write.
    package var freeBytes: UInt64
    /// Bytes that the store takes.
    package var storeBytes: UInt64

    /// Makes the value from its parts; nothing is checked.
    package init(
        totalBytes: UInt64,
        freeBytes: UInt64,
        storeBytes: UInt64
    ) {
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
        self.storeBytes = storeBytes
    }
}
