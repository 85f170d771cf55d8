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
}

extension CoordinatorClient {
    /// Where the coordinator is and how to prove who we are.
    package struct Settings: Sendable {
        /// Addresses such as `https://127.0.1.1:7443`, tried in order, beginning with the one that answered last.
        package var addresses: [String]
        /// Name of our fleet: a server of another fleet is refused.
        package var fleet: String
        /// Path of our certificate, PEM.
        package var certificate: String
        /// Path of its private key, PEM.
        package var key: String
        /// Path of the certificates of the fleet's authority, PEM.
        package var authority: String
        /// How long to wait for a connection, handshake included.
        package var connectTimeout: Duration = .seconds(5)
        /// How long to wait for an answer, beyond what a long poll asks for.
        package var answerTimeout: Duration = .seconds(20)

        /// Settings with the default timeouts.
        package init(addresses: [String], fleet: String, certificate: String, key: String, authority: String) {
            self.addresses = addresses
            self.fleet = fleet
            self.certificate = certificate
            self.key = key
            self.authority = authority
        }
    }
}
