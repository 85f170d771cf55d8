import FleetAPI
import FleetCertificates
import FleetModel
import Glibc
import Logging
import STOQTransport

/// Renews the certificate of a host that joined by token once a third of its time is over, so that the fleet lives for the
/// other two thirds without a coordinator. New connections show the new one; open ones stay.
struct CertificateRenewal: Sendable {
    /// How often the clock is looked at.
    private static let interval = Duration.seconds(10)
    private static let retryPause = Duration.seconds(60)
    private static let code = "certificate-renewal"

    let settings: AgentSettings
    let endpoint: STOQEndpoint
    let client: CoordinatorClient
    let activity: AgentActivity
    let pool: BlockingPool
    let clock: WallClock
    let logger: Logger

    /// Renews until the task is cancelled; `credentials` are those that the host began with.
    func run(_ credentials: HostCredentials) async {
        guard credentials.isEnrolled else { return }
        var current = credentials
        while !Task.isCancelled {
            var pause = Self.interval
            if clock.now() >= current.renewAfter {
                do {
                    current = try await renew(current)
                    activity.settle(Self.code)
                    logger.notice("certificate renewed", metadata: ["until": "\(current.notAfter)"])
                } catch {
                    pause = Self.retryPause
                    tell(error, current)
                }
            }
            try? await Task.sleep(for: pause)
        }
    }

    private func renew(_ current: HostCredentials) async throws -> HostCredentials {
        let answer = try await client.renewCertificate()
        let renewed = try await pool.run { [settings] in
            // Looked at before it replaces one that works; the key stays, so that the two always belong together.
            let draft = settings.certificatePath + ".new"
            defer { unlink(draft) }
            try KeyFile.write(answer.certificate, to: draft, .open, replacing: true)
            let offered = try HostCredentials(
                certificatePath: draft, keyPath: settings.keyPath, authorityPath: settings.authorityPath)
            guard offered.identity == current.identity, offered.notAfter >= current.notAfter else {
                throw CredentialError(
                    .identity, "the coordinator's answer",
                    "is the certificate of \(offered.identity) until \(offered.notAfter)",
                    remedy: "look into the coordinator's log")
            }
            try KeyFile.write(answer.certificate, to: settings.certificatePath, .open, replacing: true)
            return try HostCredentials(
                certificatePath: settings.certificatePath, keyPath: settings.keyPath,
                authorityPath: settings.authorityPath)
        }
        try endpoint.renew(renewed)
        try client.reload()
        return renewed
    }

    private func tell(_ error: any Error, _ current: HostCredentials) {
        logger.warning("the certificate was not renewed", metadata: ["error": "\(error)"])
        activity.raise(
            Problem(
                code: Self.code,
                message: "the certificate counts until \(current.notAfter) s since 1970, and was not renewed: \(error)",
                hint: "is the coordinator up, and has it its issuing key?"), now: clock.now())
    }
}
