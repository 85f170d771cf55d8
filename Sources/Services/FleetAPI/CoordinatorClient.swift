/// Calls of the coordinator's API: one method for each endpoint, see `CoordinatorClient+Endpoints.swift`.
///
/// Copies share their connections, which stay open between calls and close when the last copy goes.
/// Every call ends: with an answer, an `APIError` or `CancellationError`. No call is repeated by itself.
package struct CoordinatorClient: Sendable {
    let transport: Transport

    /// Makes a client; connects at the first call.
    ///
    /// - Throws: `APIError.notAllowed` if a certificate or key cannot be read.
    package init(_ settings: Settings) throws(APIError) {
        transport = try Transport(settings)
    }

    /// Reads the certificate again, for new connections; calls that are under way go on. Throws `APIError.notAllowed` if it
    /// cannot be used; then nothing changes.
    package func reload() throws(APIError) {
        try transport.reload()
    }
}

extension CoordinatorClient {
    /// Where the coordinator is and how to prove who we are.
    package struct Settings: Sendable {
        /// Addresses such as `https://127.0.1.1:7443`, tried in order, beginning with the one that answered last.
        package var addresses: [String]
        /// Name of our fleet: a server of another fleet is refused.
        package var fleet: String
        /// Who we are, and whom we believe.
        package var credentials: Credentials
        /// How long to wait for a connection, handshake included.
        package var connectTimeout: Duration = .seconds(5)
        /// How long to wait for an answer, beyond what a long poll asks for.
        package var answerTimeout: Duration = .seconds(20)

        /// Settings with the default timeouts.
        package init(addresses: [String], fleet: String, certificate: String, key: String, authority: String) {
            self.addresses = addresses
            self.fleet = fleet
            credentials = .files(certificate: certificate, key: key, authority: authority)
        }

        /// Settings of a host that has no certificate yet.
        package init(addresses: [String], fleet: String, joining credentials: Credentials) {
            self.addresses = addresses
            self.fleet = fleet
            self.credentials = credentials
        }
    }

    /// How a client proves who it is, and how the coordinator has to.
    package enum Credentials: Sendable {
        /// Paths of our certificate, its key and the certificate of the fleet's authority, PEM.
        case files(certificate: String, key: String, authority: String)
        /// We have none, and believe this authority, PEM.
        case authorityOnly(String)
        /// We have none, and believe anybody: only to ask for the authority, which is compared with a fingerprint.
        case none
    }
}
