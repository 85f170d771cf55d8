import Glibc
import Synchronization
import Telemetry
import Testing

/// A service manager's socket in a folder of its own.
private final class Listener: Sendable {
    let path: String
    private let folder: String
    private let descriptor: Int32

    init() throws {
        var template = Array("/tmp/fleet-notify-XXXXXX".utf8CString)
        folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        path = folder + "/socket"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
    }

    /// The next message that is there already; nil if there is none.
    func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    deinit {
        close(descriptor)
        unlink(path)
        rmdir(folder)
    }
}

@Suite struct ServiceManagerTests {
    @Test func `Each word arrives as one message, and a status cannot bring another line`() throws {
        let listener = try Listener()
        let manager = ServiceManager(variable: { $0 == "NOTIFY_SOCKET" ? listener.path : nil })
        manager.ready("serves\nWATCHDOG=trigger")
        manager.reloading()
        manager.reloaded()
        manager.alive()
        manager.stopping("ends")
        let messages = (0..<6).map { _ in listener.next() }
        #expect(
            messages == [
                "READY=1\nSTATUS=serves WATCHDOG=trigger", "RELOADING=1", "READY=1", "WATCHDOG=1",
                "STOPPING=1\nSTATUS=ends", nil,
            ])
    }

    @Test(arguments: [
        (["NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": "3000000"], Duration.seconds(3)),
        (["NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"], Duration.seconds(3)),
        (["NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"], nil),
        (["NOTIFY_SOCKET": "/s"], nil),
        (["NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": "0"], nil),
        (["NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": "much"], nil),
        (["NOTIFY_SOCKET": "relative", "WATCHDOG_USEC": "3000000"], nil),
        (["WATCHDOG_USEC": "3000000"], nil),
    ])
    func `Who is watched is the process that is named, where there is a socket`(
        environment: [String: String], interval: Duration?
    ) {
        #expect(ServiceManager(variable: { environment[$0] }, process: 7).watchdogInterval == interval)
    }

    @Test func `Without a manager, or with one that is gone, nothing happens`() throws {
        ServiceManager(variable: { _ in nil }).ready("serves")
        ServiceManager(variable: { $0 == "NOTIFY_SOCKET" ? "/nowhere/socket" : nil }).ready("serves")
        let long = "/" + String(repeating: "x", count: 300)
        ServiceManager(variable: { $0 == "NOTIFY_SOCKET" ? long : nil }).ready("serves")
    }
}
