import Crypto
import FoundationEssentials
import SwiftASN1
import Trust
import X509

/// By what people and tokens recognise a fleet's authority.
package enum AuthorityFingerprint {
    /// SHA-256 of the authority's certificate in DER, of which `pem` is the text; `place` names where that was read. Throws
    /// ``CredentialError`` if it is no authority's.
    package static func bytes(ofPEM pem: String, place: String) throws(CredentialError) -> [UInt8] {
        let certificate = try AuthorityCertificate(
            try CertificateFile.parseOne(pem, place: place), place: place
        ).certificate
        return Array(SHA256.hash(data: CertificateFile.der(certificate) ?? []))
    }
}

/// PEM and DER of certificates and keys.
enum CertificateFile {
    /// More certificates in one file than any chain has.
    static let maximumCount = 16

    static func pem(_ certificate: Certificate) throws -> String {
        try certificate.serializeAsPEM().pemString + "\n"
    }

    /// The only certificate of a text.
    static func parseOne(_ text: String, place: String) throws(CredentialError) -> Certificate {
        let certificates = try parse(text, place: place)
        guard certificates.count == 1 else {
            throw CredentialError(
                .malformed, place, "has \(certificates.count) certificates, one is expected",
                remedy: "leave only the one that is meant")
        }
        return certificates[0]
    }

    /// Every certificate of a text, in its order; at least one.
    static func parse(_ text: String, place: String) throws(CredentialError) -> [Certificate] {
        let documents: [PEMDocument]
        do {
            documents = try PEMDocument.parseMultiple(pemString: text)
        } catch {
            throw CredentialError(
                .malformed, place, "is not in PEM form (\(error))",
                remedy: "it must hold -----BEGIN CERTIFICATE----- and what follows")
        }
        guard !documents.isEmpty, documents.count <= maximumCount else {
            throw CredentialError(
                .malformed, place, "has \(documents.count) PEM blocks", remedy: "name a file with one certificate")
        }
        var certificates: [Certificate] = []
        for document in documents {
            do {
                certificates.append(try Certificate(pemDocument: document))
            } catch {
                let isKey = document.discriminator.hasSuffix("PRIVATE KEY")
                throw CredentialError(
                    .malformed, place,
                    isKey ? "holds a key where a certificate belongs" : "holds no certificate (\(error))",
                    remedy: "name the certificate, in PEM form")
            }
        }
        return certificates
    }

    static func parseKey(_ text: String, place: String) throws(CredentialError) -> P256.Signing.PrivateKey {
        do {
            return try P256.Signing.PrivateKey(pemRepresentation: text)
        } catch {
            // The error of the library may quote the input: it stays out.
            throw CredentialError(
                .malformed, place, "is not a P-256 key in PEM form",
                remedy: "name the key that was made with the certificate")
        }
    }

    static func der(_ certificate: Certificate) -> [UInt8]? {
        var serializer = DER.Serializer()
        do {
            try serializer.serialize(certificate)
        } catch {
            return nil
        }
        return serializer.serializedBytes
    }

    /// `SHA256:` and the Base64 of the certificate's digest, without padding.
    static func fingerprint(of certificate: Certificate) -> String {
        let digest = SHA256.hash(data: der(certificate) ?? [])
        return "SHA256:" + Base64.encode(Array(digest)).prefix(while: { $0 != "=" })
    }

    static func date(_ seconds: Int64) -> Date {
        Date(timeIntervalSince1970: Double(seconds))
    }

    /// A time as text, in UTC.
    static func text(_ seconds: Int64) -> String {
        date(seconds).formatted(.iso8601)
    }
}
