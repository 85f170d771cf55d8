import FleetCertificates
import FleetModel

/// What is wrong with the configuration of an agent beyond the text of agent.yaml, and what to do.
enum AgentConfigurationError: Error, CustomStringConvertible {
    /// The certificate is another host's.
    case otherIdentity(certificate: String, is: FleetIdentity, wanted: FleetIdentity)
    /// There is no agent.yaml where it was looked for.
    case noConfiguration(String)
    /// Nothing can listen where agent.yaml says.
    case cannotListen(String)
    /// A test asks for a crash at a place that there is not.
    case badCrashPoint(variable: String, String)

    var description: String {
        switch self {
        case .otherIdentity(let certificate, let identity, let wanted):
            "\(certificate) is of \(identity.uri), but agent.yaml says \(wanted.uri): name the right certificate there"
        case .noConfiguration(let path):
            "there is no \(path): name this host's agent.yaml by --config, or if the host belongs to no fleet yet, have it"
                + " join one first: fleet-agent join --token-file FILE"
        case .cannotListen(let reason):
            "\(reason): is another program there, and is `listen` in agent.yaml an address of this host?"
        case .badCrashPoint(let variable, let text):
            "\(variable) is \"\(text)\", not PHASE or PHASE:N with a phase of the store: unset it, it is for tests"
        }
    }

    /// Throws unless `identity`, that of the certificate, is the host that agent.yaml says.
    static func check(_ identity: FleetIdentity, _ settings: AgentSettings) throws {
        let role: FleetRole = settings.role == .origin ? .origin : .agent
        let wanted = try FleetIdentity(fleet: settings.fleet, role: role, name: settings.name)
        guard identity == wanted else {
            throw AgentConfigurationError.otherIdentity(
                certificate: settings.certificatePath, is: identity, wanted: wanted)
        }
    }
}
