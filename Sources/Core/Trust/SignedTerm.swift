package import Content

/// A term with the signature of the operator who declares it: ECDSA over P-256 with SHA-256, by the key of the operator's
/// certificate, under the domain of terms. It carries the certificate, so whoever trusts the fleet's authority can verify
/// it, however it came.
package struct SignedTerm: Hashable, Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 1
    /// The most bytes of a certificate: the fleet's have less than 1 KiB.
    package static let maximumCertificateByteCount = 8 << 10
    /// The most bytes of a term: two names and two numbers.
    package static let maximumBodyByteCount = 512

    /// The encoded ``FleetTerm``, as it was signed.
    package let body: [UInt8]
    /// The operator's certificate in DER.
    package let certificate: [UInt8]
    /// Two numbers of 32 bytes, big-endian, one after the other.
    package let signature: [UInt8]

    /// Makes the value from its parts; nothing is verified.
    package init(body: [UInt8], certificate: [UInt8], signature: [UInt8]) {
        self.body = body
        self.certificate = certificate
        self.signature = signature
    }

    /// What the operator's key signs for a term.
    package static func signedBytes(body: [UInt8]) -> [UInt8] {
        SignatureDomain.term.message(body)
    }

    /// Whether the signature is by `key` over this term. Whose key that is stands in the certificate, which the caller
    /// verifies.
    package func isSigned(by key: ReportPublicKey) -> Bool {
        key.isValid(signature, for: Self.signedBytes(body: body))
    }

    /// The canonical bytes: version, body and certificate with their lengths, signature.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: body.count + certificate.count + 80)
        writer.u8(Self.formatVersion)
        writer.lengthPrefixed(body)
        writer.lengthPrefixed(certificate)
        writer.bytes(signature)
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused. Throws `CodecError`.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        let version = try reader.u8()
        guard version == Self.formatVersion else {
            throw reader.malformed("format version \(version) of a signed term")
        }
        body = try reader.lengthPrefixed(max: Self.maximumBodyByteCount)
        certificate = try reader.lengthPrefixed(max: Self.maximumCertificateByteCount)
        signature = try reader.raw(SignedReport.signatureByteCount)
        try reader.expectEnd()
    }
}
