import ArgumentParser
import Content
import FleetCertificates
import FleetFile
import FleetModel
import Glibc

/// `fleetctl init`: the first fleet.yaml.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a first fleet.yaml, with comments, that is valid.",
        discussion: """
            What the options do not say is asked for at the terminal. Hosts are NAME=HOST:PORT or NAME=HOST:PORT,REGION. \
            A file that is there is not replaced. What comes next is printed.

            EXAMPLES
              fleetctl init
              fleetctl -f desk/fleet.yaml init --name example --set debian --coordinator coord1.example.org:7443 \\
                  --origin origin1=origin1.example.org:7444 --mirror fra1=fra1.example.org:7444,eu
            """)

    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: "The file to write. (default: $FLEET_FILE, else fleet.yaml)")
    var file: String?
    @Option(help: "The fleet's name.") var name: String?
    @Option(help: "HOST:PORT at which agents and operators reach the coordinator.") var coordinator: String?
    @Option(name: .customLong("set"), help: "A content set; may be given again.") var sets: [String] = []
    @Option(help: "The host where releases are published.") var origin: String?
    @Option(name: .customLong("mirror"), help: "A mirror; may be given again.") var mirrors: [String] = []
    @Option(help: "The directory on the origin that is published as SET, as SET=DIR; may be given again.")
    var source: [String] = []
    @Flag(help: "Ask nothing: what is not said is a mistake.") var noInput = false

    func run() throws {
        let path = file ?? Terminal.environment("FLEET_FILE") ?? "fleet.yaml"
        guard access(path, F_OK) != 0 else {
            throw FleetctlError(
                .refused, "\(path) is there already, and is not replaced",
                hint: "name another with -f, or change that one and run `fleetctl -f \(ShellWord.quoted(path)) apply`")
        }
        let text = try draft().text
        // What is written is what every other command reads: it must be right.
        _ = try FleetFile.parse(Array(text.utf8), file: path)
        try KeyFile.write(text, to: path, .open)
        print("wrote \(path)")
        let command = "fleetctl -f \(ShellWord.quoted(path))"
        Terminal.standard.note(
            """
            next: fleetctl keys init --dir \(ShellWord.quoted(folder(of: path) + "keys")) --fleet NAME
                  \(command) trust init
                  then docs/guides/first-fleet.md or docs/guides/ansible.md
            """)
    }

    private func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    private func draft() throws -> FleetDraft {
        var draft = FleetDraft(
            name: try answer(name, "name", "Name of the fleet"),
            coordinator: try answer(coordinator, "coordinator", "Coordinator, HOST:PORT"))
        draft.sets =
            sets.isEmpty
            ? words(try answer(nil, "set", "Content sets, separated by blanks")) : sets
        draft.origin = try FleetDraft.Host(answer(origin, "origin", "Origin, NAME=HOST:PORT"), option: "origin")
        let hosts =
            mirrors.isEmpty
            ? words(try answer(nil, "mirror", "Mirrors, NAME=HOST:PORT[,REGION], separated by blanks")) : mirrors
        draft.mirrors = try hosts.map { try FleetDraft.Host($0, option: "mirror") }
        for pair in source {
            guard let equals = pair.firstIndex(of: "="), draft.sets.contains(String(pair[..<equals])) else {
                throw FleetctlError(.usage, "--source \(pair) is not SET=DIR of a set that is given", hint: nil)
            }
            draft.sources[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
        }
        return draft
    }

    private func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

    /// What an option says, or the answer at the terminal.
    private func answer(_ given: String?, _ option: String, _ question: String) throws -> String {
        if let given { return given }
        let hint = "say it with --\(option)"
        guard !noInput else { throw FleetctlError(.usage, "--\(option) is missing", hint: hint) }
        return try TerminalPrompt.text(question, hint: hint)
    }
}

/// What `init` writes.
private struct FleetDraft {
    /// A host as an option says it.
    struct Host {
        let name: String
        let address: String
        let region: String?

        /// Throws a usage error that names the option.
        init(_ text: String, option: String) throws {
            guard let equals = text.firstIndex(of: "=") else {
                throw FleetctlError(
                    .usage, "--\(option) \(text) is not NAME=HOST:PORT", hint: "for example fra1=fra1.example.org:7444")
            }
            name = String(text[..<equals])
            let parts = text[text.index(after: equals)...].split(separator: ",", maxSplits: 1)
            address = parts.first.map(String.init) ?? ""
            region = parts.count > 1 ? String(parts[1]) : nil
        }
    }

    let name: String
    let coordinator: String
    var sets: [String] = []
    var sources: [String: String] = [:]
    var origin: Host?
    var mirrors: [Host] = []

    private static let head = """
        # What this fleet is. docs/reference/fleet.yaml.md, or fleet.yaml(5), explains every key.
        # Check it with `fleetctl validate`, hand a changed one to the coordinator with `fleetctl apply`.
        apiVersion: fleet/v1
        """

    /// fleet.yaml; values in quotes, so that no answer is anything but a value.
    var text: String {
        let port = coordinator.lastIndex(of: ":").map { coordinator[$0...] } ?? ""
        return """
            \(Self.head)
            name: \(quoted(name))

            coordinator:
              listen: \(quoted("0.0.0.0\(port)"))                  # on the coordinator's host
              address: \(quoted(coordinator))      # where agents and operators reach it
              state: /var/lib/mirrorfleet/coordinator
              report_interval: 30s

            operator:                                  # how fleetctl proves who it is: made by `fleetctl keys init`
              certificate: keys/operator.pem
              key: keys/operator.key
              authority: keys/authority.pem

            trust: {folder: trust}                     # who may sign releases: made by `fleetctl trust init`

            # What is published, from where, and how many complete copies there should be beside the origin.
            sets:
            \(sets.map(setLine).joined(separator: "\n"))

            # What a mirror carries that does not say it itself.
            defaults:
              sets: [\(sets.map(quoted).joined(separator: ", "))]

            mirrors:
            \((origin.map { [hostLine($0, role: "role: origin, ")] } ?? []).joined())
            \(mirrors.map { hostLine($0) }.joined(separator: "\n"))

            """
    }

    private func setLine(_ set: String) -> String {
        let source = sources[set].map { ", source: \(quoted($0))" } ?? ""
        let replicas = max(1, min(2, mirrors.count))
        return "  - {name: \(quoted(set)), origin: \(quoted(origin?.name ?? ""))\(source), replicas: \(replicas)}"
    }

    private func hostLine(_ host: Host, role: String = "") -> String {
        let region = host.region.map { "region: \(quoted($0)), " } ?? ""
        return "  - {name: \(quoted(host.name)), \(role)\(region)address: \(quoted(host.address))}"
    }

    /// A text in single quotes, as YAML takes any.
    private func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }
}
