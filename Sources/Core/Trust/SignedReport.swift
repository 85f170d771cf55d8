import Content
import Crypto

/// A report with the signature of the host that made it: ECDSA over P-256 with SHA-256, by the key of the host's TLS
/// certificate, under the domain of reports. Kept as it came, so that what the coordinator says can be checked later.
///
/// The signature says who made the report, not when: the number inside it does that.
package struct SignedReport: Hashable, Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 1
    /// The most bytes of a report, 1 MiB: a mirror of many sets with every problem it can name.
    package static let maximumBodyByteCount = 1 << 20
    /// The most bytes in all.
    package static let maximumByteCount = maximumBodyByteCount + 128
    /// Two numbers of 32 bytes, big-endian, one after the other.
    package static let signatureByteCount = 64

    /// The report, as it was signed.
    package let body: [UInt8]
    /// ``signatureByteCount`` bytes.
    package let signature: [UInt8]

    /// A report with its signature; not verified. Throws ``SignedReportError`` above a limit.
    package init(body: [UInt8], signature: [UInt8]) throws(SignedReportError) {
        guard body.count <= Self.maximumBodyByteCount else { throw .tooLarge(body.count) }
        guard signature.count == Self.signatureByteCount else {
            throw .malformed("a signature of \(signature.count) bytes")
        }
        self.body = body
        self.signature = signature
    }

    /// What the host's key signs for a report. Signing needs randomness, so it happens where the key is.
    package static func signedBytes(body: [UInt8]) -> [UInt8] {
        SignatureDomain.report.message(body)
    }

    /// The report's bytes, once the signature is found to be by `key`. Throws ``SignedReportError``.
    package func verified(by key: ReportPublicKey) throws(SignedReportError) -> [UInt8] {
        guard key.isValid(signature, for: Self.signedBytes(body: body)) else { throw .wronglySigned }
        return body
    }

    /// The same with the key as SubjectPublicKeyInfo in DER, as TLS hands it out. Throws ``SignedReportError``.
    package func verify(publicKeyDER: [UInt8]) throws(SignedReportError) {
        guard let key = ReportPublicKey(subjectPublicKeyInfo: publicKeyDER) else { throw .wronglySigned }
        _ = try verified(by: key)
    }

    /// The canonical bytes: version, body with its length, signature.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: body.count + 80)
        writer.u8(Self.formatVersion)
        writer.lengthPrefixed(body)
        writer.bytes(signature)
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused. Throws ``SignedReportError``.
    package init(decoding bytes: [UInt8]) throws(SignedReportError) {
        guard bytes.count <= Self.maximumByteCount else { throw .tooLarge(bytes.count) }
        do {
            var reader = ByteReader(bytes)
            let version = try reader.u8()
            guard version == Self.formatVersion else { throw SignedReportError.unknownVersion(version) }
            body = try reader.lengthPrefixed(max: Self.maximumBodyByteCount)
            signature = try reader.raw(Self.signatureByteCount)
            try reader.expectEnd()
        } catch let error as SignedReportError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
    }
}

/// The public key of a host's certificate, as far as reports need it: P-256.
package struct ReportPublicKey: Sendable {
    private let key: P256.Signing.PublicKey

    /// From a SubjectPublicKeyInfo in DER; nil unless it is one of P-256.
    package init?(subjectPublicKeyInfo der: [UInt8]) {
        guard let key = try? P256.Signing.PublicKey(derRepresentation: der) else { return nil }
        self.key = key
    }

    /// From the uncompressed point, 65 bytes; nil unless it is on the curve.
    package init?(x963 bytes: [UInt8]) {
        guard let key = try? P256.Signing.PublicKey(x963Representation: bytes) else { return nil }
        self.key = key
    }

    /// The uncompressed point, 65 bytes.
    package var x963: [UInt8] { Array(key.x963Representation) }

    func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}

/// Why a signed report is refused.
package enum SignedReportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It was written by a later version of the format.
    case unknownVersion(UInt8)
    /// It has more bytes than the limit.
    case tooLarge(Int)
    /// The signature is not by the host's key over this report.
    case wronglySigned
    /// The bytes end too early, go on too long, or are not in canonical form.
    case malformed(String)

    package var description: String {
        switch self {
        case .unknownVersion(let version):
            "signed report has format version \(version), this program reads \(SignedReport.formatVersion): update it"
        case .tooLarge(let count):
            "report has \(count) bytes, the limit is \(SignedReport.maximumBodyByteCount)"
        case .wronglySigned:
            "the report is not signed by the key of the certificate that it came with: the host must sign with the key"
                + " of its own certificate"
        case .malformed(let what): "signed report is malformed: \(what)"
        }
    }
}
