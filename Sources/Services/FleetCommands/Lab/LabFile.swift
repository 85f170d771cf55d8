import FleetAPI
import FleetModel
import LinuxIO

/// `lab.json`: which processes a lab is, so that exactly they can be ended.
struct LabFile: Codable {
    /// One process of the lab; its pid is what ran last under this name.
    struct Host: Codable {
        var name: String
        /// `coordinator`, `origin` or `mirror`.
        var role: String
        var address: NetworkAddress
        var pid: Int32?
        /// Tells the process from a later one with the same pid.
        var startTicks: UInt64?
        var boot: String?

        /// The process, if it still runs.
        var process: RunningProcess? {
            guard let pid, let startTicks, let boot else { return nil }
            let process = RunningProcess(pid: pid, startTicks: startTicks, boot: boot)
            return process.isAlive ? process : nil
        }
    }

    var version = 1
    var folder: String
    var coordinator: Host
    /// The origin, then the mirrors.
    var hosts: [Host]
    /// The network namespaces of the hosts; nil: all are on loopback.
    var network: LabNetwork?

    private static let sizeLimit = 1 << 20

    /// Reads the file of the lab at `layout`. Throws a `FleetctlError` that says what to do if there is none.
    static func read(_ layout: LabLayout) throws -> LabFile {
        let bytes: [UInt8]
        do {
            bytes = try OpenFile.open(Array(layout.labFile.utf8)).readAll(limit: sizeLimit)
        } catch {
            throw FleetctlError(
                .failed, "no lab at \(layout.folder): \(error)",
                hint: "make one with: fleetctl lab up --dir \(ShellWord.quoted(layout.folder)) --mirrors 3")
        }
        do {
            return try WireJSON.decode(LabFile.self, from: bytes)
        } catch {
            throw FleetctlError(.failed, "\(layout.labFile) is damaged: \(error)")
        }
    }

    /// Writes the file, replacing the one before as a whole.
    func write(_ layout: LabLayout) throws {
        try TextFile.write(String(decoding: try WireJSON.encode(self), as: UTF8.self) + "\n", to: layout.labFile)
    }

    /// The host or coordinator `name`. Throws a usage error that lists the names.
    func host(_ name: String) throws -> Host {
        if let host = ([coordinator] + hosts).first(where: { $0.name == name }) { return host }
        let names = ([coordinator] + hosts).map(\.name).joined(separator: ", ")
        throw FleetctlError(.usage, "the lab has no host \"\(name)\"", hint: "its hosts are: \(names)")
    }

    /// Takes note of the process that runs under `name` now; nil: none.
    mutating func set(_ process: RunningProcess?, of name: String) {
        func update(_ host: inout Host) {
            host.pid = process?.pid
            host.startTicks = process?.startTicks
            host.boot = process?.boot
        }
        if coordinator.name == name { update(&coordinator) }
        for index in hosts.indices where hosts[index].name == name { update(&hosts[index]) }
    }
}
