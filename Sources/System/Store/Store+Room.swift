import LinuxIO
import Synchronization

/// How much of the disk the store must leave free.
final class DiskRoom: Sendable {
    /// Bytes to leave free on a disk of so many bytes.
    let reserve = Mutex<@Sendable (UInt64) -> UInt64>({ _ in 0 })
}

extension Store {
    /// Says how many bytes of a disk of `totalBytes` no fetch and no publish may take. Until then all may be taken.
    package func leaveFree(_ reserve: @escaping @Sendable (_ totalBytes: UInt64) -> UInt64) {
        room.reserve.withLock { $0 = reserve }
    }

    /// Throws `shortOfDisk` or `shortOfInodes` if so much more would not fit, or would leave less than the reserve.
    func expectRoom(bytes: UInt64, inodes: UInt64 = 0, for set: String) throws {
        let disk = try DiskUsage.of(data)
        let reserve = room.reserve.withLock { $0 }(disk.totalBytes)
        let (needed, overflow) = bytes.addingReportingOverflow(reserve)
        if overflow || needed > disk.freeBytes {
            throw StoreError.shortOfDisk(set: set, needed: bytes, free: disk.freeBytes, reserve: reserve)
        }
        // File systems without a fixed number of inodes say 0 for all.
        if disk.totalInodes > 0, inodes > disk.freeInodes {
            throw StoreError.shortOfInodes(set: set, needed: inodes, free: disk.freeInodes)
        }
    }
}
