import FoundationEssentials
import X509

/// The certificate of a fleet's authority, read strictly.
struct AuthorityCertificate {
    let fleet: String
    let certificate: Certificate
    let notBefore: Int64
    let notAfter: Int64
    /// Whether issuing keys may stand below it; authorities made before 0.2 have none.
    let allowsIssuingKeys: Bool

    init(_ certificate: Certificate, place: String) throws(CredentialError) {
        var isAuthority = false
        var pathLength: Int?
        if case .isCertificateAuthority(let maximum)? = try? certificate.extensions.basicConstraints {
            isAuthority = true
            pathLength = maximum
        }
        let uris = (try? HostCertificate.uris(of: certificate)) ?? []
        guard isAuthority, uris.count == 1, let fleet = Self.fleet(of: uris[0]) else {
            throw CredentialError(
                .malformed, place, "is not the certificate of a fleet's authority",
                remedy: "name the authority's certificate, which `fleetctl` made with the fleet")
        }
        guard certificate.publicKey.isValidSignature(certificate.signature, for: certificate) else {
            throw CredentialError(
                .malformed, place, "is damaged, or an issuing key's: it is not signed by itself",
                remedy: "copy the authority's certificate again")
        }
        self.fleet = fleet
        self.certificate = certificate
        notBefore = Int64(certificate.notValidBefore.timeIntervalSince1970)
        notAfter = Int64(certificate.notValidAfter.timeIntervalSince1970)
        allowsIssuingKeys = pathLength.map { $0 > 0 } ?? true
    }

    /// Whether this authority's own key, and not an issuing key, signed a certificate.
    func issued(_ other: Certificate) -> Bool {
        other.issuer == certificate.subject
            && certificate.publicKey.isValidSignature(other.signature, for: other)
    }

    /// The fleet of `spiffe://FLEET`.
    private static func fleet(of uri: String) -> String? {
        let probe = try? FleetIdentity(uri: uri + "/agent/a")
        return probe?.fleet
    }
}
