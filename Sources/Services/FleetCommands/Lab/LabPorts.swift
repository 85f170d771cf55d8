import FleetModel
import Glibc

/// Free addresses on loopback for the hosts of a lab.
///
/// Each host gets an address of its own (127.0.1.x), as package managers give up on an address and not on a port; all
/// share one port, below those that the kernel hands out to clients. With IPv6 all are on ::1 and the ports differ.
enum LabPorts {
    private static let candidates = 20_000..<32_000
    private static let attempts = 200
    /// 127.0.1.1 is the coordinator, .2 the origin, mirrors begin at .11.
    private static let firstMirror = 11

    /// Addresses of the coordinator, the origin and `mirrors` mirrors, in this order.
    static func pick(mirrors: Int, isIPv6: Bool) throws -> [NetworkAddress] {
        var port = candidates.lowerBound + Int(getpid()) * 37 % candidates.count
        for _ in 0..<attempts {
            let addresses = (0..<mirrors + 2).map { index in
                isIPv6
                    ? NetworkAddress(host: "::1", port: port + index)
                    : NetworkAddress(
                        host: "127.0.1.\(index < 2 ? index + 1 : firstMirror + index - 2)", port: port)
            }
            if addresses.allSatisfy(isFree) { return addresses }
            port += isIPv6 ? mirrors + 2 : 1
            if port + mirrors + 2 >= candidates.upperBound { port = candidates.lowerBound }
        }
        throw FleetctlError(
            .tryAgain, "no free port found on loopback after \(attempts) attempts",
            hint: isIPv6 ? "is there an address ::1 on this machine?" : "end labs that are not needed")
    }

    /// Whether nobody listens at `address`: it can be bound for a moment.
    private static func isFree(_ address: NetworkAddress) -> Bool {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, "\(address.port)", &hints, &found) == 0, let found else { return false }
        defer { freeaddrinfo(found) }
        let descriptor = socket(found.pointee.ai_family, found.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0
            && listen(descriptor, 1) == 0
    }
}
