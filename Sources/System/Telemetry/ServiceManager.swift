import Glibc

/// What this process tells the service manager that started it, by the protocol of sd_notify(3).
///
/// Without one (`NOTIFY_SOCKET` is not set) everything here does nothing. What cannot be delivered is lost: a program
/// must not fail because nobody listens to how it is.
package struct ServiceManager: Sendable {
    /// Where it listens: a path, or an abstract name that begins with `@`.
    private let socketName: String?
    /// How often it wants a sign of life, at the least; nil: it does not watch.
    package let watchdogInterval: Duration?

    /// The manager that the environment names.
    ///
    /// - Parameters:
    ///   - variable: a variable of the environment.
    ///   - process: the number of this process: a child that inherits the environment is not watched.
    package init(
        variable: (String) -> String? = { getenv($0).map { String(cString: $0) } }, process: Int32 = getpid()
    ) {
        let name = variable("NOTIFY_SOCKET") ?? ""
        socketName = name.hasPrefix("/") || name.hasPrefix("@") ? name : nil
        let watched = variable("WATCHDOG_PID").map { Int32($0) == process } ?? true
        let interval = variable("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        watchdogInterval = watched && interval > 0 && socketName != nil ? .microseconds(interval) : nil
    }

    /// This process does its work from now on, or again after `reloading`.
    package func ready(_ status: String) { send(["READY=1", Self.status(status)]) }

    /// It reads its configuration again.
    package func reloading() { send(["RELOADING=1"]) }

    /// It does its work as it did before `reloading`.
    package func reloaded() { send(["READY=1"]) }

    /// It was asked to stop, and ends what it does.
    package func stopping(_ status: String) { send(["STOPPING=1", Self.status(status)]) }

    /// A sign of life.
    package func alive() { send(["WATCHDOG=1"]) }

    /// One line for people.
    private static func status(_ text: String) -> String {
        "STATUS=" + String(String.UnicodeScalarView(text.unicodeScalars.map { $0 < " " ? " " : $0 }))
    }

    private func send(_ assignments: [String]) {
        guard let socketName, var address = Self.address(socketName) else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let text = Array(assignments.joined(separator: "\n").utf8)
        // An abstract name ends where the address ends, a path at its zero byte.
        let length = socklen_t(
            MemoryLayout<sa_family_t>.size + socketName.utf8.count + (socketName.hasPrefix("/") ? 1 : 0))
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), generic, length)
            }
        }
    }

    /// The address with that name; nil if the name is too long for one.
    private static func address(_ name: String) -> sockaddr_un? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }
}
