import ArgumentParser
import Glibc
import Logging
import STOQTransport

/// One host that opens many connections to another, and keeps them. It says of each what came of it.
struct HostileCrowd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crowd", abstract: "Opens many connections under one certificate.")

    @OptionGroup var identity: StolenIdentity
    @Option(help: "The fleet that it says it is of.") var fleet: String
    @Option(help: "The name that it says it has.") var name: String
    @Option(help: "Whom it calls.") var target: String
    @Option(help: "HOST:PORT of that host.") var address: Place
    @Option(help: "How many connections.") var connections: Int

    func run() async throws {
        let settings = STOQSettings(credentials: try identity.credentials())
        var endpoints: [STOQEndpoint] = []
        for _ in 0..<connections {
            // Each shares one connection among its requests, so there is one for each.
            let endpoint = try STOQEndpoint(
                settings: settings, service: Silence(fleet: fleet, name: name), logger: Logger(label: "hostile"))
            endpoints.append(endpoint)
            do {
                _ = try await endpoint.connection(to: target, role: nil, host: address.host, port: address.port)
                say("open")
            } catch {
                say("refused \(error)")
            }
        }
        sayReady()
        await waitForEndOfInput()
        for endpoint in endpoints { await endpoint.shutdown() }
    }
}
