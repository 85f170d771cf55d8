import FleetCertificates
import NIOSSL
import STOQ

/// The TLS settings of both sides: version 1.3 only, certificates on both sides from the fleet's authority and no other,
/// and no key exchange that a quantum computer breaks.
struct TLSContexts: Sendable {
    let client: NIOSSLContext
    let server: NIOSSLContext

    /// Throws ``STOQError`` if TLS does not take the credentials.
    init(_ settings: STOQSettings) throws(STOQError) {
        do {
            let credentials = settings.credentials
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(credentials.certificatePEM.utf8))
            let key = try NIOSSLPrivateKey(bytes: Array(credentials.keyPEM.utf8), format: .pem)
            let authority = try NIOSSLCertificate.fromPEMBytes(Array(credentials.authorityPEM.utf8))
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            Self.harden(&configuration, settings, authority)
            server = try NIOSSLContext(configuration: configuration)
            configuration = .makeClientConfiguration()
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(key)
            Self.harden(&configuration, settings, authority)
            client = try NIOSSLContext(configuration: configuration)
        } catch {
            throw STOQError(.handshake, "TLS does not take the credentials: \(error)")
        }
    }

    private static func harden(
        _ configuration: inout TLSConfiguration, _ settings: STOQSettings, _ authority: [NIOSSLCertificate]
    ) {
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        // Names are in the certificate's URI and are checked when the handshake is done.
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates(authority)
        configuration.applicationProtocols = [EndpointCore.applicationProtocol]
        configuration.curves = settings.keyExchange.curves
    }
}
