import ArgumentParser
import Content
import FleetAPI
import FleetCertificates
import FleetModel
import Glibc
import Hashing
import SigningKeys
import Trust
import TrustFiles

/// `fleetctl mirror`: the hosts of a fleet, and how they belong to it.
struct MirrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror",
        abstract: "Admit hosts to the fleet, hold them back, and take them out.",
        discussion: """
            EXAMPLES
              fleetctl -f fleet.yaml mirror enrol fra1 --out token
              fleetctl -f fleet.yaml mirror list
              fleetctl -f fleet.yaml mirror drain fra1 --for 2h --reason "new disks"
              fleetctl -f fleet.yaml mirror revoke fra1
            """,
        subcommands: [
            Enrol.self, Revoke.self, List.self, Show.self, Pause.self, Resume.self, Drain.self, Undrain.self,
            Limit.self, Pardon.self,
        ])

    /// `fleetctl mirror enrol`.
    struct Enrol: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "enrol",
            abstract: "Print a token with which one host joins as NAME.",
            discussion: """
                The token is one line. It counts once, for this name, and holds the fingerprints by \
                which the host recognises the fleet: carry it there as you would a password, and run `fleet-agent join \
                --token-file FILE`. If a host of that name is there already, the new one takes its place, and the \
                certificate of the old one ends when the new one joins.

                EXAMPLES
                  fleetctl -f fleet.yaml mirror enrol fra1 --out token
                  fleetctl -f fleet.yaml mirror enrol fra1 --ttl 2h --out token
                """)

        @OptionGroup var option: FleetOption
        @Argument(help: "The host's name in fleet.yaml.") var name: String
        @Option(help: "Write the token to this file, with mode 0600, instead of printing it.") var out: String?
        @Option(help: "How long the token counts, with a unit, at most 24h.") var ttl = DurationOption.quarterHour

        func run() async throws {
            let session = try FleetSession(option)
            let mirror = try session.mirror(name)
            guard mirror.role == .mirror else {
                throw FleetctlError(
                    .refused, "\(name) is an origin: its certificate comes from the authority, not from a token",
                    hint: "fleetctl keys issue --dir keys origin \(name) --out out/\(name)")
            }
            let enrolment = try Enrolment(session: session, name: name)
            let receipt = try await session.coordinator().enrol(
                enrolment.order(seconds: ttl.duration.components.seconds))
            if let out {
                try KeyFile.write(enrolment.token.text + "\n", to: out, .secret, replacing: true)
            } else {
                print(enrolment.token.text)
            }
            session.terminal.note(
                "hint: on \(name): fleet-agent join --token-file FILE   (the token counts once, "
                    + "until \(CivilTime.text(receipt.expiresAt)))")
            if receipt.replaces {
                session.terminal.warn("the host that is \(name) now is out of the fleet when the new one joins")
            }
        }
    }

    /// `fleetctl mirror revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke",
            abstract: "Take a host out of the fleet: nobody believes its certificate any more.",
            discussion: """
                Every certificate of that name that was issued until now ends, wherever it came from, and open connections \
                are closed: at once by all who reach the coordinator, within half a minute by the others. A host comes back \
                only when it is enrolled again, or with a new certificate from the authority.

                EXAMPLES
                  fleetctl -f fleet.yaml mirror revoke fra1
                """)

        @OptionGroup var option: FleetOption
        @Argument(help: "The host's name.") var name: String

        func run() async throws {
            let session = try FleetSession(option)
            guard PlainName.accepts(name) else {
                throw FleetctlError(.usage, "\(name) is no name of a host: a name is \(PlainName.rule)")
            }
            let word = try session.sign(
                HostStanding(fleet: session.fleet.name, name: name, isMember: false, at: wallMilliseconds()))
            _ = try await session.coordinator().submit(standings: StandingList([word]).encode())
            print("revoked \(name)")
            if session.fleet.mirror(named: name) != nil {
                session.terminal.note(
                    "hint: \(name) still stands in \(session.file): enrol a host for it, or take it out")
            }
        }
    }

    /// `fleetctl mirror list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the hosts of the fleet, and how each belongs to it.",
            discussion: """
                EXAMPLES
                  fleetctl -f fleet.yaml mirror list
                  fleetctl -f fleet.yaml mirror list -o json
                """)

        @OptionGroup var option: FleetOption
        @OptionGroup var output: OutputOption

        func run() async throws {
            let session = try FleetSession(option)
            let members = try await session.coordinator().members().members
            switch output.format {
            case .json: try printJSON(members)
            case .table:
                var table = TextTable(["MIRROR", "ROLE", "ADDRESS", "MEMBER", "OVERRIDES"])
                for member in members {
                    let mirror = session.fleet.mirror(named: member.name)
                    table.add([
                        member.name, mirror?.role.rawValue ?? "-", mirror.map { "\($0.address)" } ?? "-", member.words,
                        member.overrides.map { $0.map(\.words).joined(separator: ", ") } ?? "-",
                    ])
                }
                print(table.text(width: nil), terminator: "")
            }
        }
    }

    /// `fleetctl mirror show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show one host: how it belongs to the fleet, what it serves, and what operators said of it.",
            discussion: """
                EXAMPLES
                  fleetctl -f fleet.yaml mirror show fra1
                """)

        @OptionGroup var option: FleetOption
        @Argument(help: "The host's name in fleet.yaml.") var name: String
        @OptionGroup var output: OutputOption

        func run() async throws {
            let session = try FleetSession(option)
            let policy = try session.mirror(name)
            let client = try session.coordinator()
            let member = try await client.members().members.first { $0.name == name }
            let status = try await client.status().status.mirrors.first { $0.name == name }
            guard let member, let status else {
                throw FleetctlError(
                    .failed, "the coordinator's fleet.yaml has no mirror \(name)",
                    hint: "hand it this one, and restart it")
            }
            switch output.format {
            case .json: try printJSON(Shown(member: member, status: status))
            case .table:
                print("\(name)  \(policy.role.rawValue) in \(policy.region) at \(policy.address)")
                print("member: \(member.words)")
                print("state: \(status.state.rawValue), \(status.health.rawValue)")
                for reason in status.reasons { print("  \(reason)") }
                for set in status.sets {
                    print("  \(set.name): \(set.state.rawValue), release \(set.sequence.map(String.init) ?? "none")")
                }
                for override in status.overrides { print(override.sentence) }
            }
        }
    }

    /// What `show` prints as JSON.
    private struct Shown: Encodable {
        var member: Member
        var status: MirrorStatus
    }
}

extension Member {
    /// How it belongs to the fleet, in words.
    fileprivate var words: String {
        if let until = tokenUntil { return "token until \(CivilTime.text(until))" }
        if let revokedAt { return "revoked \(CivilTime.text(revokedAt))" }
        if let joinedAt { return "joined \(CivilTime.text(joinedAt))" }
        return "by the authority"
    }
}

/// What an operator makes to admit one host.
private struct Enrolment {
    let token: EnrolmentToken
    private let admission: SignedStanding
    private let root: [UInt8]

    init(session: FleetSession, name: String) throws {
        let access = try session.access()
        guard
            let root = try MetadataFolder(path: "\(session.fleet.trust.folder)/metadata").read().newestRoot?.bytes
        else {
            throw FleetctlError(
                .badConfiguration, "there is no root in \(session.fleet.trust.folder)/metadata",
                hint: "make one: \(session.command) trust init")
        }
        self.root = root
        let authority = try KeyFile.read(access.authorityPath, .open)
        admission = try session.sign(
            HostStanding(fleet: session.fleet.name, name: name, isMember: true, at: wallMilliseconds()))
        token = EnrolmentToken(
            fleet: session.fleet.name, name: name, coordinator: "\(session.fleet.coordinator.address)",
            authority: try AuthorityFingerprint.bytes(ofPEM: authority, place: access.authorityPath),
            root: Digest.hash(.sha256, root).bytes,
            secret: RandomBytes.make(count: EnrolmentToken.secretByteCount))
    }

    func order(seconds: Int64) -> EnrolmentOrder {
        EnrolmentOrder(
            secretHash: Digest.hash(.sha256, token.secret).bytes, seconds: seconds, admission: admission.encode(),
            root: root)
    }
}

extension FleetSession {
    /// Signs a statement with the operator's key. Throws `CredentialError`.
    func sign<Statement: OperatorStatement>(_ statement: Statement) throws -> OperatorSigned<Statement> {
        let access = try access()
        return try HostCredentials(
            certificatePath: access.certificatePath, keyPath: access.keyPath, authorityPath: access.authorityPath
        ).sign(statement)
    }
}

/// Milliseconds since 1970 by the wall clock.
func wallMilliseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
}
