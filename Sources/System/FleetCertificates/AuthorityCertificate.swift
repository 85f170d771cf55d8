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

    /// Whether this authority's own key signed a host's certificate, or an issuing key that it certified, whose
    /// certificate is the first of `above`. A host's own certificate is no issuing key's.
    func issued(_ other: Certificate, through above: [Certificate]) -> Bool {
        if issued(other) { return true }
        guard let issuing = above.first, issued(issuing), other.issuer == issuing.subject,
            case .isCertificateAuthority? = try? issuing.extensions.basicConstraints
        else { return false }
        return issuing.publicKey.isValidSignature(other.signature, for: other)
    }

    /// The fleet of `spiffe://FLEET`.
    private static func fleet(of uri: String) -> String? {
        let probe = try? FleetIdentity(uri: uri + "/agent/a")
        return probe?.fleet
    }
}
