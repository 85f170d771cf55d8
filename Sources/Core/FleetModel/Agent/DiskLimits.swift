/// What an agent leaves of its disk: the `disk` part of agent.yaml.
package struct DiskLimits: Codable, Sendable, Hashable {
    /// What stays free; nil: `DiskReserve.defaultBytes(ofDisk:)`. No fetch and no publish goes below it.
    package var reserve: DiskReserve?
    /// The used part of the disk in percent above which only what is served is kept; nil: never.
    package var highWaterPercent: Int?

    /// Makes the value from its parts; nothing is checked.
    package init(reserve: DiskReserve? = nil, highWaterPercent: Int? = nil) {
        self.reserve = reserve
        self.highWaterPercent = highWaterPercent
    }

    /// The bytes to leave free on a disk of `totalBytes`.
    package func reserveBytes(ofDisk totalBytes: UInt64) -> UInt64 {
        reserve?.bytes(ofDisk: totalBytes) ?? DiskReserve.defaultBytes(ofDisk: totalBytes)
    }

    /// Whether more of a disk is used than the high-water mark.
    package func isAboveHighWater(totalBytes: UInt64, freeBytes: UInt64) -> Bool {
        guard let highWaterPercent else { return false }
        let mark = DiskReserve.percent(UInt64(clamping: highWaterPercent)).bytes(ofDisk: totalBytes)
        return totalBytes - min(totalBytes, freeBytes) > mark
    }
}
