import FleetAPI
import FleetCertificates
import FleetFile
import FleetModel
import LinuxIO

/// One fleet.yaml, read and valid, and the ways to the hosts that it names.
struct FleetSession {
    /// More than a fleet.yaml of thousands of mirrors has.
    private static let fileLimit = 1 << 20

    let file: String
    let text: [UInt8]
    let fleet: Fleet
    let terminal = Terminal.standard

    /// Reads the file of `option`. Throws a `FleetctlError` with exit code 78 if it cannot be read, and
    /// `FleetFileErrors` if it is not valid.
    init(_ option: FleetOption) throws {
        try self.init(
            file: option.path, hint: "name the fleet's file with -f FILE or the environment variable FLEET_FILE")
    }

    init(file: String, hint: String? = nil) throws {
        self.file = file
        do {
            text = try OpenFile.open(Array(file.utf8)).readAll(limit: Self.fileLimit)
        } catch {
            throw FleetctlError(.badConfiguration, "\(error)", hint: hint)
        }
        fleet = try FleetFile.parse(text, file: file)
    }

    /// How a command of this fleet begins, for hints that propose one.
    var command: String { "fleetctl -f \(ShellWord.quoted(file))" }

    /// How this operator proves who it is.
    func access() throws -> OperatorAccess {
        guard let access = fleet.operatorAccess else {
            throw FleetctlError(
                .badConfiguration, "\(file) does not say where the operator's certificate is",
                hint: "add `operator: {certificate: FILE, key: FILE, authority: FILE}`")
        }
        return access
    }

    /// A client of the fleet's coordinator.
    func coordinator() throws -> CoordinatorClient {
        let access = try access()
        return try CoordinatorClient(
            CoordinatorClient.Settings(
                addresses: ["https://\(fleet.coordinator.address)"], fleet: fleet.name,
                certificate: access.certificatePath, key: access.keyPath, authority: access.authorityPath))
    }

    /// Says once that the coordinator goes by another text than this file; its copy rules.
    func warnIfSuperseded(_ client: CoordinatorClient) async throws {
        let accepted = try await client.fleet()
        if accepted.text.bytes != text {
            terminal.warn("\(file) differs from the copy that the coordinator accepted; the coordinator's copy rules")
        }
    }

    /// Says which hosts gave no fresh report for a plan.
    func noteUnanswered(_ answer: PlanAnswer) {
        guard !answer.unanswered.isEmpty else { return }
        terminal.warn("no fresh report from \(answer.unanswered.joined(separator: ", ")): planned from what is known")
    }

    /// Says which hosts refuse a plan because they follow a higher one.
    func noteRefusing(_ answer: PlanAnswer) {
        guard !answer.refusing.isEmpty else { return }
        terminal.warn(
            "\(answer.refusing.joined(separator: ", ")) follow a plan above \(answer.plan.generation) and refuse this one: "
                + "the coordinator's state is older than theirs")
        terminal.note("hint: fleetctl -f \(file) coordinator new-term --force")
    }

    /// The policy of the set `name`. Throws a usage error that lists the sets.
    func set(_ name: String) throws -> SetPolicy {
        if let set = fleet.set(named: name) { return set }
        let names = fleet.sets.map(\.name).joined(separator: ", ")
        throw FleetctlError(.usage, "\(file) has no set \"\(name)\"", hint: "its sets are: \(names)")
    }

    /// The host `name`. Throws a usage error that lists the hosts.
    func mirror(_ name: String) throws -> MirrorPolicy {
        if let mirror = fleet.mirror(named: name) { return mirror }
        let names = fleet.mirrors.map(\.name).joined(separator: ", ")
        throw FleetctlError(.usage, "\(file) has no mirror \"\(name)\"", hint: "its hosts are: \(names)")
    }
}
