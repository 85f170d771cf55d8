import CLinux
import Glibc

/// One process, told apart from a later one with the same number by when it started and in which boot.
package struct RunningProcess: Hashable, Sendable {
    package let pid: Int32
    /// Clock ticks between the boot and the start (field 22 of `/proc/PID/stat`).
    package let startTicks: UInt64
    /// The boot's random identifier, 36 characters.
    package let boot: String

    /// A process written down earlier, which may be over by now.
    package init(pid: Int32, startTicks: UInt64, boot: String) {
        self.pid = pid
        self.startTicks = startTicks
        self.boot = boot
    }

    /// The process that has this number now; nil if none has, or it has ended and waits to be collected.
    package init?(pid: Int32) {
        guard pid > 0, let boot = RunningProcess.currentBoot, let ticks = RunningProcess.startTicks(pid) else {
            return nil
        }
        self.init(pid: pid, startTicks: ticks, boot: boot)
    }

    /// This process.
    package static var current: RunningProcess? { RunningProcess(pid: clinux_pid()) }

    /// It still runs; a zombie does not.
    package var isAlive: Bool {
        RunningProcess.currentBoot == boot && RunningProcess.startTicks(pid) == startTicks
    }

    /// Sends `signal` to this very process, never to a later one with the same number.
    /// - Returns: false if the process is over.
    /// - Throws: `FileError` if the kernel does not allow it.
    package func send(signal: Int32) throws(FileError) -> Bool {
        let name = Array("process \(pid)".utf8)
        // First hold the process, then ask whether it is the right one: so it cannot be replaced in between.
        let handle = clinux_pidfd_open(pid)
        if handle == -ESRCH { return false }
        if handle == -ENOSYS {
            guard isAlive else { return false }
            if kill(pid, signal) == 0 { return true }
            let number = errno
            if number == ESRCH { return false }
            throw FileError("signal", name, errno: number)
        }
        try checked(handle, "signal", name)
        defer { clinux_close(handle) }
        guard isAlive else { return false }
        let result = clinux_pidfd_signal(handle, signal)
        if result == -ESRCH { return false }
        try checked(result, "signal", name)
        return true
    }

    /// The random identifier of this boot; nil without /proc.
    package static var currentBoot: String? {
        guard let bytes = readProc("sys/kernel/random/boot_id") else { return nil }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    private static func startTicks(_ pid: Int32) -> UInt64? {
        guard let bytes = readProc("\(pid)/stat") else { return nil }
        // "PID (NAME) STATE ...": the name may hold anything, also ") ", so look for the last parenthesis.
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        // Field 3 is the first after the name; 22 is the start.
        guard fields.count > 19, let state = fields[0].first else { return nil }
        if state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") { return nil }
        return UInt64(String(decoding: fields[19], as: UTF8.self))
    }

    private static func readProc(_ path: String) -> [UInt8]? {
        guard let file = try? OpenFile.open(Array("/proc/\(path)".utf8)) else { return nil }
        return try? file.read(4096, at: 0)
    }
}
