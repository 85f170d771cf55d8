import Content
import SwiftASN1
package import Trust
import X509

extension PeerVerifier {
    /// The receipt in `signed`, and who gave it: an agent of this fleet whose standing is good, by a certificate that
    /// counted when it says to have held the release.
    /// - Throws: ``ReceiptError``.
    package func verify(_ signed: SignedReceipt) throws(ReceiptError) -> (receipt: HoldReceipt, host: VerifiedHost) {
        let receipt: HoldReceipt
        let certificate: HostCertificate
        let host: VerifiedHost
        do {
            receipt = try HoldReceipt(decoding: signed.body)
            certificate = try HostCertificate(der: signed.chain.first ?? [])
            let above = try signed.chain.dropFirst().map { try Certificate(derEncoded: $0) }
            guard isCertified(certificate.certificate, through: above) else { throw ReceiptError.otherAuthority }
            host = try verify(certificateDER: signed.chain.first ?? [])
        } catch let error as ReceiptError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
        guard signed.isSigned(by: certificate.reportKey) else { throw .wronglySigned(by: host.identity.uri) }
        guard receipt.fleet == host.identity.fleet, receipt.host == host.identity.name else {
            throw .otherHost(receipt.host, by: host.identity.uri)
        }
        guard host.identity.role == .agent else { throw .notAMirror(host.identity.uri) }
        guard certificate.notBefore <= receipt.heldAt, receipt.heldAt <= certificate.notAfter else {
            throw .outOfTime(host.identity.uri)
        }
        return (receipt, host)
    }
}

extension HostCredentials {
    /// Signs a receipt with the host's key. The certificate is read again: it may have been renewed.
    /// - Throws: ``CredentialError`` if that cannot be read.
    package func sign(_ receipt: HoldReceipt) throws -> SignedReceipt {
        let body = receipt.encode()
        let chain = try CertificateFile.parse(KeyFile.read(certificatePath, .open), place: certificatePath)
        return SignedReceipt(
            body: body,
            chain: chain.prefix(isEnrolled ? SignedReceipt.maximumChainCount : 1).compactMap(CertificateFile.der),
            signature: try signature(for: SignedReceipt.signedBytes(body: body)))
    }
}

/// Why a receipt counts for nothing.
package enum ReceiptError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are none, or the certificate names nobody who belongs to the fleet.
    case malformed(String)
    /// The certificate does not lead to the fleet's authority.
    case otherAuthority
    /// The signature is not by the certificate's key over this receipt.
    case wronglySigned(by: String)
    /// It is in the name of somebody else.
    case otherHost(String, by: String)
    /// An origin, a coordinator or a person: only mirrors are counted.
    case notAMirror(String)
    /// The certificate did not count when the release is said to have been held.
    case outOfTime(String)

    package var description: String {
        switch self {
        case .malformed(let what): "the receipt is malformed: \(what)"
        case .otherAuthority: "the receipt is signed with a certificate that is not of this fleet's authority"
        case .wronglySigned(let uri): "the receipt in the name of \(uri) is not signed by its key"
        case .otherHost(let name, let uri): "\(uri) gives a receipt in the name of \(name)"
        case .notAMirror(let uri): "\(uri) gives a receipt, and only mirrors do"
        case .outOfTime(let uri): "the certificate of \(uri) did not count when the receipt was given"
        }
    }
}
