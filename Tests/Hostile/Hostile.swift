import ArgumentParser
import Dispatch
import FleetCertificates
import Glibc
import STOQTransport

/// `fleet-hostile`: a host of the fleet that was taken over. It has the real keys and certificates and speaks the real
/// protocols; Tests/EndToEnd/test_attacks.py tells it what to do.
@main
struct Hostile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-hostile",
        abstract: "Plays a coordinator, an origin, a mirror or a keeper in the hands of an attacker.",
        subcommands: [
            HostileCoordinator.self, HostilePeer.self, HostileMirror.self, HostileCrowd.self, HostileKeeper.self,
        ])
}

/// The stolen identity, and where it listens.
struct StolenHost: ParsableArguments {
    @OptionGroup var identity: StolenIdentity
    @Option(help: "HOST:PORT to listen on.") var listen: Place

    func credentials() throws -> HostCredentials { try identity.credentials() }
}

/// What a host is known by.
struct StolenIdentity: ParsableArguments {
    @Option(help: "The host's certificate.") var certificate: String
    @Option(help: "Its key.") var key: String
    @Option(help: "The fleet's authority.") var authority: String

    func credentials() throws -> HostCredentials {
        try HostCredentials(certificatePath: certificate, keyPath: key, authorityPath: authority)
    }
}

/// `HOST:PORT`.
struct Place: ExpressibleByArgument {
    let host: String
    let port: Int

    init?(argument: String) {
        let parts = argument.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { return nil }
        (host, self.port) = (String(parts[0]), port)
    }
}

/// Tells who started it that it does its work from now on.
func sayReady() { say("ready") }

/// Writes a line to standard output, at once, although that is a pipe.
func say(_ text: String) {
    let line = Array("\(text)\n".utf8)
    _ = write(STDOUT_FILENO, line, line.count)
}

/// Ends as soon as who started it is gone, or closes its standard input: no test leaves one behind.
func waitForEndOfInput() async {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
            while readLine() != nil {}
            continuation.resume()
        }
    }
}
