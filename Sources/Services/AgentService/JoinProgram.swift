import FleetAPI
import FleetCertificates
import FleetFile
import FleetModel
import Glibc
import Hashing
import LinuxIO
import Trust

/// `fleet-agent join`: a new host's part of its enrolment. It makes its own key, believes nobody whom the token does not
/// name by fingerprint, and writes what an agent needs.
struct JoinProgram {
    private let token: EnrolmentToken
    private let configuration: String
    private let dataPath: String
    private let listen: String?
    /// What agent.yaml says; nil: there is none yet.
    private let settings: AgentSettings?

    /// Reads the token, from standard input if the file is `-`, and agent.yaml, if there is one. Throws errors that say
    /// what to do.
    init(tokenFile: String, configuration: String, dataPath: String, listen: String?) throws {
        let isStandardInput = tokenFile == "-"
        let text = try isStandardInput ? KeyFile.readStandardInput() : KeyFile.read(tokenFile, .secret)
        do {
            token = try EnrolmentToken(text: text)
        } catch {
            throw JoinError.badToken(isStandardInput ? "standard input" : tokenFile, reason: "\(error)")
        }
        self.configuration = configuration
        self.dataPath = dataPath
        self.listen = listen
        guard access(configuration, F_OK) == 0 else {
            settings = nil
            return
        }
        let settings = try AgentProgram.settings(configuration)
        guard settings.fleet == token.fleet, settings.name == token.name, settings.role == .mirror else {
            throw JoinError.otherHost(configuration, wanted: token.name, fleet: token.fleet)
        }
        self.settings = settings
    }

    /// Joins, writes the files, and says what was done.
    func run() async throws -> String {
        let authority = try await verifiedAuthority()
        // The key is made anew: a host that lost its standing comes back with another one.
        let request = try CertificateRequest()
        let client = try CoordinatorClient(settings(.authorityOnly(authority)))
        let answer = try await client.join(JoinRequest(secret: token.secret, request: request.der))
        guard Digest.hash(.sha256, answer.root.bytes).bytes == token.root else {
            throw JoinError.otherRoot(token.coordinator)
        }
        try KeyFile.write(authority, to: files.authority, .open, replacing: true)
        try KeyFile.write(
            String(decoding: answer.root.bytes, as: UTF8.self), to: files.root, .open, replacing: true)
        try KeyFile.write(request.keyPEM, to: files.key, .secret, replacing: true)
        try KeyFile.write(answer.certificate, to: files.certificate, .open, replacing: true)
        let credentials = try HostCredentials(
            certificatePath: files.certificate, keyPath: files.key, authorityPath: files.authority)
        let wanted = try FleetIdentity(fleet: token.fleet, role: .agent, name: token.name)
        guard credentials.identity == wanted else {
            throw JoinError.otherIdentity(credentials.identity, wanted: wanted)
        }
        if settings == nil { try KeyFile.write(newConfiguration(port: answer.port), to: configuration, .open) }
        return "joined fleet \(token.fleet) as \(token.name)"
    }

    /// The authority's certificate, PEM, which has the fingerprint in the token.
    private func verifiedAuthority() async throws -> String {
        let answer = try await CoordinatorClient(settings(.none)).authority()
        let found = try AuthorityFingerprint.bytes(ofPEM: answer.authority, place: "the coordinator's answer")
        guard found == token.authority else { throw JoinError.otherAuthority(token.coordinator) }
        return answer.authority
    }

    private func settings(_ credentials: CoordinatorClient.Credentials) -> CoordinatorClient.Settings {
        CoordinatorClient.Settings(
            addresses: ["https://\(token.coordinator)"], fleet: token.fleet, joining: credentials)
    }

    /// Where the files are: as agent.yaml says, else beside it.
    private var files: (certificate: String, key: String, authority: String, root: String) {
        if let settings {
            return (settings.certificatePath, settings.keyPath, settings.authorityPath, settings.trust.rootPath)
        }
        let folder = configuration.lastIndex(of: "/").map { String(configuration[...$0]) } ?? ""
        return (folder + "agent.pem", folder + "agent.key", folder + "authority.pem", folder + "root.json")
    }

    /// A path as YAML takes any text: in single quotes.
    private static func quoted(_ path: String) -> String {
        "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }

    private func newConfiguration(port: Int) -> String {
        """
        # Written by fleet-agent join. docs/reference/agent.yaml.md explains every key.
        apiVersion: fleet/v1
        fleet: \(token.fleet)
        name: \(token.name)
        role: mirror
        data: \(Self.quoted(dataPath))
        listen: "\(listen ?? "[::]:\(port)")"
        coordinator: "https://\(token.coordinator)"
        tls: {certificate: agent.pem, key: agent.key, authority: authority.pem}
        trust: {root: root.json}

        """
    }
}

/// Why a host does not join, and what to do.
enum JoinError: Error, CustomStringConvertible {
    /// The file holds no token.
    case badToken(String, reason: String)
    /// agent.yaml is of another host, or of an origin.
    case otherHost(String, wanted: String, fleet: String)
    /// Who answers is not of the fleet whose fingerprint the token has.
    case otherAuthority(String)
    /// The root of the fleet's releases is not the one in the token.
    case otherRoot(String)
    /// The certificate is another host's.
    case otherIdentity(FleetIdentity, wanted: FleetIdentity)

    var description: String {
        switch self {
        case .badToken(let file, let reason):
            "\(file) holds no token (\(reason)): copy the one line that `fleetctl mirror enrol` printed"
        case .otherHost(let file, let wanted, let fleet):
            "\(file) is not that of the mirror \(wanted) of fleet \(fleet), for which the token is:"
                + " correct fleet, name and role there, or move it away"
        case .otherAuthority(let address):
            "who answers at \(address) has another authority than the token says: nothing was sent to it;"
                + " is the address that of the fleet's coordinator?"
        case .otherRoot(let address):
            "the coordinator at \(address) gave another root of the fleet's releases than the token says:"
                + " ask the operator for another token"
        case .otherIdentity(let found, let wanted):
            "the coordinator issued a certificate of \(found.uri), not of \(wanted.uri): look into its log"
        }
    }
}
