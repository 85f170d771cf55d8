import FleetCertificates
import FleetModel
import Logging
import STOQ
import STOQTransport
import Telemetry

extension FleetSession {
    /// What connects to hosts as this operator or reader. Throws a `FleetctlError` if fleet.yaml does not say how,
    /// `CredentialError`, `STOQError`.
    func endpoint() throws -> STOQEndpoint {
        let access = try access()
        let credentials = try HostCredentials(
            certificatePath: access.certificatePath, keyPath: access.keyPath, authorityPath: access.authorityPath)
        var settings = STOQSettings(credentials: credentials)
        if fleet.trust.requiresMLKEM1024 == true { settings.keyExchange = .mlkem1024 }
        return try STOQEndpoint(
            settings: settings, service: NoService(fleet: fleet.name),
            logger: Telemetry.logger(label: "fleetctl", level: .critical))
    }
}

/// What an operator's end of a connection serves: nothing.
private struct NoService: STOQService {
    let fleet: String

    func greeting() async -> STOQGreeting {
        STOQGreeting(fleet: fleet, name: "fleetctl", heads: [])
    }

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        stream.reset(.notAllowed, "an operator serves nothing")
    }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {}
}
