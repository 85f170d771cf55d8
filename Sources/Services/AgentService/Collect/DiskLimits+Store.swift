import FleetModel
import Store

extension DiskLimits {
    /// Whether more of the store's disk is used than the high-water mark.
    func isAboveHighWater(_ usage: StoreUsage) -> Bool {
        isAboveHighWater(totalBytes: usage.totalBytes, freeBytes: usage.freeBytes)
    }
}
