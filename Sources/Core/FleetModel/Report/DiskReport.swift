/// How full the file system of a mirror's data directory is, in bytes.
package struct DiskReport: Codable, Sendable, Hashable {
    /// Size of the file system.
    package var totalBytes: UInt64
    /// Bytes that the agent may still write.
    package var freeBytes: UInt64
    /// Bytes that the store takes.
    package var storeBytes: UInt64
    /// Whether files of the store can share blocks, so that another time of a file costs no copy; nil from an agent that
    /// does not say, and does not change times in place.
    package var sharesBlocks: Bool?

    /// Makes the value from its parts; nothing is checked.
    package init(
        totalBytes: UInt64,
        freeBytes: UInt64,
        storeBytes: UInt64,
        sharesBlocks: Bool? = nil
    ) {
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
        self.storeBytes = storeBytes
        self.sharesBlocks = sharesBlocks
    }
}
