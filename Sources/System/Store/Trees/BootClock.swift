import Glibc
import LinuxIO

/// Measures how long a tree has been out of service, whatever anybody does to the wall clock: by the time since boot,
/// which goes on while the machine sleeps, and the boot that it belongs to.
struct BootClock: Sendable {
    /// The kernel's name for this boot; empty if it does not say.
    let boot: String
    /// When the store was opened, in milliseconds since boot.
    private let opened: Int64

    init() {
        boot = Self.bootIdentity()
        opened = Self.milliseconds()
    }

    /// Milliseconds since boot.
    static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
    }

    /// For how many milliseconds a tree has been out of service, at least. One that went out before this boot, or at a
    /// time that was not recorded, counts from when the store was opened: nobody knows more of it.
    func outOfService(_ record: TreeRecord?) -> Int64 {
        let now = Self.milliseconds()
        guard let record, let retired = record.retired, record.boot == boot, !boot.isEmpty, retired <= now else {
            return now - opened
        }
        return now - retired
    }

    private static func bootIdentity() -> String {
        guard let file = try? OpenFile.open(Array("/proc/sys/kernel/random/boot_id".utf8)),
            let bytes = try? file.read(64, at: 0)
        else { return "" }
        return String(decoding: bytes.prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self)
    }
}
