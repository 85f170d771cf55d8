/// Why the coordinator does not start, in words for an operator.
package enum StartError: Error, Equatable {
    /// The command line makes no sense.
    case usage(message: String)
    /// fleet.yaml has mistakes; the text is one line for each, with its place.
    case policy(text: String)
    /// A file that is needed cannot be read or used.
    case configuration(message: String, hint: String)
    /// Another coordinator uses the state folder.
    case inUse(folder: String, process: Int32?)
    /// The state folder cannot be used.
    case state(message: String, hint: String)
    /// Nobody can listen there.
    case listen(address: String, reason: String)
}

extension StartError {
    /// The program's exit code.
    package var exitCode: Int32 {
        switch self {
        case .usage: 64
        case .policy, .configuration: 78
        case .inUse: 5
        case .state, .listen: 1
        }
    }

    /// What happened.
    package var message: String {
        switch self {
        case .usage(let message), .configuration(let message, _), .state(let message, _): message
        case .policy(let text): text
        case .inUse(let folder, let process):
            "another coordinator" + (process.map { " (process \($0))" } ?? "") + " uses the state in \(folder)"
        case .listen(let address, let reason): "cannot listen on \(address): \(reason)"
        }
    }

    /// What to do; nil where the message says it.
    package var hint: String? {
        switch self {
        case .usage: "fleet-coordinator --help"
        case .policy: nil
        case .configuration(_, let hint), .state(_, let hint): hint
        case .inUse: "stop it first, or give this one another --state"
        case .listen: "is another program there, and is coordinator.listen in fleet.yaml an address of this host?"
        }
    }
}
