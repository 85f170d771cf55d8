import FoundationEssentials
import X509

/// The certificate of a fleet's authority, read strictly.
struct AuthorityCertificate {
    let fleet: String
    let certificate: Certificate
    let notBefore: Int64
    let notAfter: Int64

    init(_ certificate: Certificate, place: String) throws(CredentialError) {
        var isAuthority = false
        if case .isCertificateAuthority? = try? certificate.extensions.basicConstraints { isAuthority = true }
        let uris = (try? HostCertificate.uris(of: certificate)) ?? []
        guard isAuthority, uris.count == 1, let fleet = Self.fleet(of: uris[0]) else {
            throw CredentialError(
                .malformed, place, "is not the certificate of a fleet's authority",
                remedy: "name the authority's certificate, which `fleetctl` made with the fleet")
        }
        guard certificate.publicKey.isValidSignature(certificate.signature, for: certificate) else {
            throw CredentialError(
                .malformed, place, "is damaged: its own signature is wrong", remedy: "copy the file again")
        }
        self.fleet = fleet
        self.certificate = certificate
        notBefore = Int64(certificate.notValidBefore.timeIntervalSince1970)
        notAfter = Int64(certificate.notValidAfter.timeIntervalSince1970)
    }

    /// The fleet of `spiffe://FLEET`.
    private static func fleet(of uri: String) -> String? {
        let probe = try? FleetIdentity(uri: uri + "/agent/a")
        return probe?.fleet
    }
}
