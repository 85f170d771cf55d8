import FleetCertificates
import Glibc
import NIOCore
import NIOSSL

/// The coordinator's certificate and how it demands one of every peer.
struct ServerCredentials {
    /// Who the coordinator is, from its certificate.
    var identity: FleetIdentity
    /// Decides who a peer is.
    var verifier: PeerVerifier
    /// The certificate of the fleet's authority, PEM.
    var authorityPEM: String
    /// Gives certificates to agents; nil: this coordinator has none.
    var issuing: IssuingKey?
    /// TLS 1.3 with certificates on both sides, but for hosts that join, with the hybrid key exchange, and nothing else.
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
        do {
            verifier = try PeerVerifier(authorityPath: configuration.authority)
            authorityPEM = try KeyFile.read(configuration.authority, .open)
            issuing = try Self.issuingKey(configuration)
        } catch {
            throw .configuration(message: "\(error.place): \(error.message)", hint: error.remedy)
        }
        guard let own = chain.first,
            let identity = try? verifier.verify(certificateDER: own.toDERBytes()).identity
        else {
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
        // A chain is demanded of whoever shows a certificate; the name in it is what we read. Who shows none can only join.
        tls.certificateVerification = .optionalVerification
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

    /// The issuing key that is named, or lies beside the coordinator's certificate.
    private static func issuingKey(_ configuration: CoordinatorConfiguration) throws(CredentialError) -> IssuingKey? {
        let slash = configuration.certificate.lastIndex(of: "/")
        let folder = slash.map { String(configuration.certificate[...$0]) } ?? ""
        let files = configuration.issuing ?? (certificate: folder + "issuing.pem", key: folder + "issuing.key")
        guard configuration.issuing != nil || access(files.certificate, F_OK) == 0 else { return nil }
        return try IssuingKey(
            certificatePath: files.certificate, keyPath: files.key, authorityPath: configuration.authority)
    }
}
