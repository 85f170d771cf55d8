import FleetModel
import Glibc
import LinuxIO

/// Makes network namespaces and takes them away, by the programs `ip` and `tc`.
package struct LabNamespaces {
    /// Where `ip netns` keeps the names.
    static let folder = "/run/netns"
    private static let programFolders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    private static let deadline = Duration.seconds(60)

    private let ip: String
    private let tc: String

    /// Throws what is missing for it: root, or the programs.
    init() throws(FleetctlError) {
        guard geteuid() == 0 else {
            throw FleetctlError(
                .usage, "--netns needs root, to make network namespaces", hint: "run it with sudo, or without --netns")
        }
        guard let ip = Self.find("ip"), let tc = Self.find("tc") else {
            throw FleetctlError(
                .failed, "--netns needs the programs ip and tc, which are not there", hint: "apt install iproute2")
        }
        guard access("/usr/bin/nsenter", X_OK) == 0 else {
            throw FleetctlError(
                .failed, "--netns needs the program nsenter, which is not there", hint: "apt install util-linux")
        }
        self.ip = ip
        self.tc = tc
    }

    /// Makes the namespaces of `network` and the links between them. What a lab of the same prefix left behind is
    /// removed before, unless processes run in it. Throws a `FleetctlError`, having removed what it made.
    func make(_ network: LabNetwork) throws {
        try removeLeftovers(prefix: network.prefix)
        do {
            try batch(ip, network.outerLines)
            try batch(ip, network.switchLines, in: network.switchNamespace)
            for host in network.hosts {
                let namespace = network.namespace(of: host.name)
                try batch(ip, network.lines(in: host), in: namespace)
                try batch(tc, network.shaping(in: host), in: namespace)
            }
            try batch(tc, network.switchShaping, in: network.switchNamespace)
        } catch {
            try? removeLeftovers(prefix: network.prefix)
            throw error
        }
    }

    /// Whether the namespaces of `network` are there.
    func exist(_ network: LabNetwork) throws -> Bool {
        let names = try Self.namespaces(prefix: network.prefix)
        return names.contains(network.switchNamespace)
            && network.hosts.allSatisfy { names.contains(network.namespace(of: $0.name)) }
    }

    /// Removes the namespaces of labs with `prefix`, and the link to them. Throws a `FleetctlError` if a process runs
    /// in one of them.
    func removeLeftovers(prefix: String) throws {
        let names = try Self.namespaces(prefix: prefix)
        for name in names {
            let processes = try run(ip, ["netns", "pids", name]).split(separator: "\n")
            guard processes.isEmpty else {
                throw FleetctlError(
                    .refused, "processes run in the network namespace \(name): \(processes.joined(separator: ", "))",
                    hint: "end their lab with \"fleetctl lab down\", or take other names: --netns-prefix NAME")
            }
        }
        // The kernel takes a namespace away some time after it was deleted, but a link at once.
        if access("/sys/class/net/\(prefix)-root", F_OK) == 0 { _ = try run(ip, ["link", "delete", "\(prefix)-root"]) }
        for name in names { _ = try run(ip, ["netns", "delete", name]) }
    }

    /// A free network of 254 addresses: the first three numbers. Throws a `FleetctlError` if there is none.
    static func freeSubnet() throws -> String {
        var taken: Set<[UInt8]> = []
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { throw FleetctlError(.failed, "cannot list the network addresses") }
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            guard let address = entry.pointee.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET) else {
                continue
            }
            let bytes = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0.prefix(3)) }
            }
            taken.insert(bytes)
        }
        guard let free = (0...UInt8.max).first(where: { !taken.contains([10, 213, $0]) }) else {
            throw FleetctlError(
                .tryAgain, "all networks 10.213.x.0/24 are in use", hint: "end labs that are not needed")
        }
        return "10.213.\(free)"
    }

    /// Names below ``folder`` that a lab with `prefix` gives: nobody else's are touched.
    static func namespaces(prefix: String) throws -> [String] {
        // Nothing is there before the first namespace of the machine.
        guard access(folder, F_OK) == 0 else { return [] }
        return try Folder.open(folder).list().map { String(decoding: $0.name, as: UTF8.self) }
            .filter { isOurs($0, prefix: prefix) }
    }

    /// Whether a lab with `prefix` gives the name `name`.
    package static func isOurs(_ name: String, prefix: String) -> Bool {
        guard name.hasPrefix("\(prefix)-") else { return false }
        let host = name.dropFirst(prefix.count + 1)
        if [LabLayout.coordinator, LabLayout.origin, "switch"].contains(String(host)) { return true }
        return host.first == "m" && host.count > 1 && host.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func find(_ program: String) -> String? {
        programFolders.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    private func batch(_ program: String, _ lines: [String], in namespace: String? = nil) throws {
        guard !lines.isEmpty else { return }
        let place = namespace.map { ["-n", $0] } ?? []
        _ = try run(program, place + ["-batch", "-"], input: lines.joined(separator: "\n") + "\n")
    }

    /// What the program printed; its complaints go to standard error.
    private func run(_ program: String, _ arguments: [String], input: String = "") throws -> String {
        let outcome = try runFilter(
            [program] + arguments, input: Array(input.utf8), limit: 1 << 20, deadline: Self.deadline)
        if case .output(let bytes) = outcome { return String(decoding: bytes, as: UTF8.self) }
        throw FleetctlError(
            .failed, "\(program) \(arguments.joined(separator: " ")) failed: \(outcome)",
            hint: "does this machine allow network namespaces, veth, bridges and tbf?")
    }
}
