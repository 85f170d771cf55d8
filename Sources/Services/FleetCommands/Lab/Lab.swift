import FleetAPI
import FleetModel
import Glibc
import LinuxIO

/// A fleet of real processes on this machine, in one folder.
///
/// It writes the files that an operator would write and starts the programs that a fleet runs; nothing else.
struct Lab {
    /// How long a process may take to answer a TERM before it is killed, and to be ready after a start.
    private static let stopDeadline = Duration.seconds(15)
    private static let startDeadline = Duration.seconds(30)
    private static let pollInterval = Duration.milliseconds(20)
    private static let logTailLines = 12

    let layout: LabLayout
    private let clock = ContinuousClock()

    /// The lab in `folder`, which need not be there. Throws a usage error if the name is empty.
    init(folder: String) throws(FleetctlError) {
        layout = LabLayout(folder: try WorkingFolder.absolute(folder))
    }

    /// Where the hosts of a new lab are.
    enum Place {
        case loopback(isIPv6: Bool)
        /// Each in a network namespace of its own.
        case namespaces(LabNetwork.Wish)
    }

    /// Makes keys, certificates and configuration, and starts every process. Returns once all of them have reported.
    func up(mirrors: Int, at place: Place) async throws {
        let network = try network(mirrors: mirrors, at: place)
        let namespaces = try network.map { _ in try LabNamespaces() }
        try checkIsNew()
        let addresses: [NetworkAddress]
        switch place {
        case .loopback(let isIPv6): addresses = try LabPorts.pick(mirrors: mirrors, isIPv6: isIPv6)
        case .namespaces: addresses = network?.addresses ?? []
        }
        if let network { try namespaces?.make(network) }
        let configuration = LabConfiguration(fleet: "lab", addresses: addresses, network: network)
        try LabEnrolment(layout: layout, configuration: configuration).write()
        var file = LabFile(
            folder: layout.folder,
            coordinator: LabFile.Host(name: LabLayout.coordinator, role: "coordinator", address: addresses[0]),
            hosts: configuration.hosts.enumerated().map { index, name in
                LabFile.Host(
                    name: name, role: index == 0 ? "origin" : "mirror", address: configuration.address(of: index))
            }, network: network)
        try file.write(layout)
        try await start([LabLayout.coordinator] + configuration.hosts, in: &file)
    }

    private func network(mirrors: Int, at place: Place) throws -> LabNetwork? {
        guard case .namespaces(let wish) = place else { return nil }
        return LabNetwork(
            wish, mirrors: (1...max(1, mirrors)).map { "m\($0)" }, subnet: try LabNamespaces.freeSubnet())
    }

    /// Starts `names`, those that run already are left alone, and waits until each is connected and has reported.
    func start(_ names: [String], in file: inout LabFile) async throws {
        if let network = file.network {
            // Gone after `lab down`, or a new start of the machine.
            let namespaces = try LabNamespaces()
            if try !namespaces.exist(network) { try namespaces.make(network) }
        }
        let began = try await reportsBefore()
        var started: [String] = []
        for name in names.sorted(by: { first, _ in first == LabLayout.coordinator }) {
            guard try file.host(name).process == nil else { continue }
            let ready = TextFile.split(layout.readyFile(of: name))
            try Folder.open(ready.folder).unlinkIfPresent(ready.name)
            let process = try launch(name, file.network)
            file.set(process, of: name)
            try file.write(layout)
            try TextFile.write("\(process.pid)\n", to: layout.pidFile(of: name))
            started.append(name)
            if name == LabLayout.coordinator { try await waitUntilReady(name, process) }
        }
        for name in started {
            guard let process = try file.host(name).process else { throw ended(name) }
            try await waitUntilReady(name, process)
        }
        let agents = started.filter { $0 != LabLayout.coordinator }
        if started.contains(LabLayout.coordinator) {
            let running = file.hosts.filter { $0.process != nil }.map(\.name)
            try await waitForReports(of: running, after: [:], in: file)
            try await beginTermIfNeeded()
        } else if file.coordinator.process != nil {
            try await waitForReports(of: agents, after: began, in: file)
        }
    }

    /// After the coordinator's state was lost: what an operator does with `fleetctl coordinator new-term`.
    private func beginTermIfNeeded() async throws {
        let session = try FleetSession(file: layout.fleetFile)
        let client = try session.coordinator()
        let answer = try await client.term()
        guard answer.isNeeded else { return }
        let term = try await session.declareTerm(after: answer, with: client)
        session.terminal.note("the coordinator had lost its plans: term \(term.term) begins")
    }

    /// Sends `signal` to `names` and waits until they are over; a TERM that is not obeyed becomes a KILL.
    func end(_ names: [String], signal: Int32, in file: inout LabFile) async throws {
        var ending: [(name: String, process: RunningProcess)] = []
        for name in names {
            guard let process = try file.host(name).process else { continue }
            _ = try process.send(signal: signal)
            ending.append((name, process))
        }
        let deadline = clock.now + Self.stopDeadline
        for (name, process) in ending {
            while process.isAlive {
                if clock.now > deadline { _ = try process.send(signal: SIGKILL) }
                try await Task.sleep(for: Self.pollInterval)
            }
            file.set(nil, of: name)
        }
        try file.write(layout)
    }

    /// Ends every process that the lab started, and with `purge` removes its folder.
    func down(purge: Bool) async throws {
        var file = try LabFile.read(layout)
        try await end(file.hosts.map(\.name) + [LabLayout.coordinator], signal: SIGTERM, in: &file)
        if let network = file.network { try LabNamespaces().removeLeftovers(prefix: network.prefix) }
        guard purge else { return }
        let (parent, name) = TextFile.split(layout.folder)
        try Folder.open(parent).removeTree(name)
    }

    private func checkIsNew() throws {
        let (parent, name) = TextFile.split(layout.folder)
        let folder: Folder
        do {
            folder = try Folder.open(parent).ensureFolder(name, mode: 0o755)
        } catch {
            throw FleetctlError(
                .failed, "cannot make \(layout.folder): \(error)", hint: "is \(parent) there, and may you write to it?")
        }
        guard try folder.list().isEmpty else {
            let isLab = try folder.stat("lab.json") != nil
            throw FleetctlError(
                .refused, isLab ? "there is a lab in \(layout.folder) already" : "\(layout.folder) is not empty",
                hint: isLab
                    ? "go on with it: \(command("start")); or end it: \(command("down")) --purge"
                    : "name a folder that is empty or not there")
        }
    }

    /// The command `verb` of this lab, to be typed.
    private func command(_ verb: String) -> String {
        "fleetctl lab \(verb) --dir \(ShellWord.quoted(layout.folder))"
    }

    private func launch(_ name: String, _ network: LabNetwork?) throws -> RunningProcess {
        let isCoordinator = name == LabLayout.coordinator
        let home = layout.home(of: name)
        let program = WorkingFolder.ofProgram + (isCoordinator ? "/fleet-coordinator" : "/fleet-agent")
        let arguments =
            isCoordinator
            ? [
                "--fleet", layout.fleetFile, "--state", home + "/state", "--certificate", home + "/coordinator.pem",
                "--key", home + "/coordinator.key", "--authority", home + "/authority.pem",
                "--ready-file", layout.readyFile(of: name),
            ]
            : ["--config", home + "/agent.yaml", "--ready-file", layout.readyFile(of: name)]
        var command = (program: program, arguments: [String]())
        if let network { command = network.command(program, in: name) }
        let pid = try spawnDetached(
            executable: command.program, arguments: command.arguments + arguments, outputFile: layout.log(of: name),
            workingDirectory: home)
        guard let process = RunningProcess(pid: pid) else { throw ended(name) }
        return process
    }

    /// Waits for the file that the process writes when it listens.
    private func waitUntilReady(_ name: String, _ process: RunningProcess) async throws {
        let ready = TextFile.split(layout.readyFile(of: name))
        let folder = try Folder.open(ready.folder)
        let deadline = clock.now + Self.startDeadline
        while try folder.stat(ready.name) == nil {
            guard process.isAlive else { throw ended(name) }
            guard clock.now < deadline else {
                throw FleetctlError(.failed, "\(name) did not get ready within \(Self.startDeadline)", hint: tail(name))
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    /// Place of the last report of every host; empty if the coordinator does not answer.
    private func reportsBefore() async throws -> [String: ReportPlace] {
        guard let file = try? LabFile.read(layout), file.coordinator.process != nil,
            let reports = try? await FleetSession(file: layout.fleetFile).coordinator().reports()
        else { return [:] }
        return reports.reports.reduce(into: [:]) { $0[$1.mirror] = place($1) }
    }

    /// Waits until the coordinator has a report of each of `names` that is newer than the one in `before`.
    private func waitForReports(of names: [String], after before: [String: ReportPlace], in file: LabFile) async throws
    {
        guard !names.isEmpty else { return }
        let client = try FleetSession(file: layout.fleetFile).coordinator()
        let began = clock.now
        var seen: Set<String> = []
        while seen.count < names.count {
            for name in names where try file.host(name).process == nil { throw ended(name) }
            if let reports = try? await client.reports().reports {
                for report in reports where names.contains(report.mirror) {
                    if before[report.mirror].map({ place(report).follows($0) }) ?? true { seen.insert(report.mirror) }
                }
            }
            guard clock.now - began < Self.startDeadline else {
                let missing = names.filter { !seen.contains($0) }
                throw FleetctlError(
                    .failed, "no report from \(missing.joined(separator: ", ")) within \(Self.startDeadline)",
                    hint: missing.first.map(tail))
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    private func place(_ record: ReportRecord) -> ReportPlace {
        ReportPlace(startedAt: record.report.startedAt ?? 0, number: record.report.number)
    }

    private func ended(_ name: String) -> FleetctlError {
        FleetctlError(.failed, "\(name) ended right after its start", hint: tail(name))
    }

    /// Where the log is, and its last lines.
    private func tail(_ name: String) -> String {
        let path = layout.log(of: name)
        let lines = ((try? TextFile.read(path, limit: 64 << 20)) ?? "").split(separator: "\n").suffix(Self.logTailLines)
        return "its log is \(path)\n" + lines.joined(separator: "\n")
    }
}
