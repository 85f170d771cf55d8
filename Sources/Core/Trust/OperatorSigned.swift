package import Content

/// Something that an operator says to a whole fleet, in bytes that can be signed.
package protocol OperatorStatement: Hashable, Sendable {
    /// What it is, in a word or two, for errors.
    static var kind: String { get }
    /// What the signature is for.
    static var domain: SignatureDomain { get }
    /// The fleet.
    var fleet: String { get }
    /// When it was signed, in seconds since 1970 by the operator's clock.
    var signedAt: Int64 { get }
    /// The canonical bytes.
    func encode() -> [UInt8]
    /// Reads the canonical form; any other bytes are refused. Throws `CodecError`.
    init(decoding bytes: [UInt8]) throws(CodecError)
}

/// A term with the signature of the operator who declares it.
package typealias SignedTerm = OperatorSigned<FleetTerm>

/// A statement with the signature of the operator who makes it: ECDSA over P-256 with SHA-256, by the key of the
/// operator's certificate, under the statement's own domain. It carries the certificate, so whoever trusts the fleet's
/// authority can verify it, however it came.
package struct OperatorSigned<Statement: OperatorStatement>: Hashable, Sendable {
    /// The version this program writes and reads.
    package static var formatVersion: UInt8 { 1 }
    /// The most bytes of a certificate: the fleet's have less than 1 KiB.
    package static var maximumCertificateByteCount: Int { 8 << 10 }
    /// The most bytes of a statement: two names and two numbers.
    package static var maximumBodyByteCount: Int { 512 }
    /// The most bytes of all.
    package static var maximumByteCount: Int { maximumCertificateByteCount + maximumBodyByteCount + 80 }

    /// The encoded statement, as it was signed.
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

    /// What the operator's key signs for a statement.
    package static func signedBytes(body: [UInt8]) -> [UInt8] {
        Statement.domain.message(body)
    }

    /// Whether the signature is by `key` over this statement. Whose key that is stands in the certificate, which the
    /// caller verifies.
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
            throw reader.malformed("format version \(version) of a signed \(Statement.kind)")
        }
        body = try reader.lengthPrefixed(max: Self.maximumBodyByteCount)
        certificate = try reader.lengthPrefixed(max: Self.maximumCertificateByteCount)
        signature = try reader.raw(SignedReport.signatureByteCount)
        try reader.expectEnd()
    }
}

extension ByteReader {
    /// Reads a name of a fleet or host. Throws `CodecError`.
    mutating func statementName() throws(CodecError) -> String {
        let bytes = try lengthPrefixed(max: PlainName.maximumByteCount)
        guard PlainName.accepts(bytes) else { throw malformed("a name that is not \(PlainName.rule)") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
