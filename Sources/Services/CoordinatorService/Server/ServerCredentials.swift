import FleetCertificates
import NIOCore
import NIOSSL

/// The coordinator's certificate and how it demands one of every peer.
struct ServerCredentials {
    /// Who the coordinator is, from its certificate.
    var identity: FleetIdentity
    /// Mutual TLS 1.3 with the hybrid key exchange, and nothing else.
    var tls: TLSConfiguration

    /// Reads the files.
    ///
    /// - Throws: `StartError.configuration` if one cannot be read, or the certificate is not a coordinator's of `fleet`.
    init(_ configuration: CoordinatorConfiguration, fleet: String) throws(StartError) {
        func load<Value>(_ what: String, _ path: String, _ body: () throws -> Value) throws(StartError) -> Value {
            do {
                return try body()
            } catch {
                throw .configuration(
                    message: "cannot read the \(what) \(path)", hint: "it must be a PEM file that this user may read")
            }
        }
        let chain = try load("certificate", configuration.certificate) {
            try NIOSSLCertificate.fromPEMFile(configuration.certificate)
        }
        let key = try load("key", configuration.key) { try NIOSSLPrivateKey(file: configuration.key, format: .pem) }
        let roots = try load("authority", configuration.authority) {
            try NIOSSLCertificate.fromPEMFile(configuration.authority)
        }
        guard let own = chain.first, let identity = try? FleetIdentity(certificateDER: own.toDERBytes()) else {
            throw .configuration(
                message: "the certificate \(configuration.certificate) names no host of a fleet",
                hint: "issue one for the coordinator with the fleet's authority")
        }
        guard identity.role == .coordinator, identity.fleet == fleet else {
            throw .configuration(
                message: "the certificate \(configuration.certificate) is that of \(identity.uri)",
                hint: "fleet-coordinator needs one of spiffe://\(fleet)/coordinator/NAME")
        }
        self.identity = identity
        tls = .makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        tls.minimumTLSVersion = .tlsv13
        tls.curves = [.x25519_MLKEM768]
        tls.certificateVerification = .noHostnameVerification  // a chain is demanded; the name in it is what we read
        tls.trustRoots = .certificates(roots)
        tls.shutdownTimeout = .seconds(1)  // how long a close waits for the peer's
        tls.applicationProtocols = ["http/1.1"]
        do {
            _ = try NIOSSLContext(configuration: tls)
        } catch {
            throw .configuration(
                message: "the key \(configuration.key) is not that of the certificate \(configuration.certificate)",
                hint: "give the two files that were issued together")
        }
    }
}
