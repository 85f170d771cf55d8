package import Content

/// A mirror's word that it holds all of a release: verified, complete and durable. Evidence and no more: it widens nothing,
/// and says nothing of what the mirror serves.
///
/// docs/formats/receipt.md states the form.
package struct HoldReceipt: Hashable, Sendable {
    /// The most bytes: three names, a digest and two numbers.
    package static let maximumByteCount = 512

    /// The fleet.
    package let fleet: String
    /// The mirror's name, as in its certificate.
    package let host: String
    /// The set.
    package let set: String
    /// The number of the release.
    package let sequence: UInt64
    /// The digest of its document.
    package let release: ReleaseDigest
    /// When the mirror had all of it, in seconds since 1970 by its own clock.
    package let heldAt: Int64

    /// Makes the value from its parts; nothing is checked.
    package init(fleet: String, host: String, set: String, sequence: UInt64, release: ReleaseDigest, heldAt: Int64) {
        self.fleet = fleet
        self.host = host
        self.set = set
        self.sequence = sequence
        self.release = release
        self.heldAt = heldAt
    }

    /// The canonical bytes: fleet, host, set, sequence, release, time.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 160)
        writer.lengthPrefixed(Array(fleet.utf8))
        writer.lengthPrefixed(Array(host.utf8))
        writer.lengthPrefixed(Array(set.utf8))
        writer.u64(sequence)
        writer.digest(release.raw)
        writer.i64(heldAt)
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused.
    /// - Throws: `CodecError`.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        fleet = try reader.statementName()
        host = try reader.statementName()
        set = try reader.statementName()
        sequence = try reader.u64()
        release = ReleaseDigest(try reader.digest())
        heldAt = try reader.i64()
        try reader.expectEnd()
    }
}

/// A receipt with the signature of the mirror that gives it: ECDSA over P-256 with SHA-256, by the key of its certificate,
/// under the domain of receipts. It carries the certificate, and that of the issuing key if one issued it, so whoever
/// trusts the fleet's authority can verify it, however it came.
package struct SignedReceipt: Hashable, Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 1
    /// The most certificates: the host's, and that of an issuing key.
    package static let maximumChainCount = 2
    /// The most bytes of a certificate.
    package static let maximumCertificateByteCount = 8 << 10
    /// The most bytes in all.
    package static let maximumByteCount =
        HoldReceipt.maximumByteCount + maximumChainCount * (maximumCertificateByteCount + 4) + 80

    /// The encoded receipt, as it was signed.
    package let body: [UInt8]
    /// Certificates in DER, the host's first.
    package let chain: [[UInt8]]
    /// Two numbers of 32 bytes, big-endian, one after the other.
    package let signature: [UInt8]

    /// Makes the value from its parts; nothing is verified.
    package init(body: [UInt8], chain: [[UInt8]], signature: [UInt8]) {
        self.body = body
        self.chain = chain
        self.signature = signature
    }

    /// What the host's key signs for a receipt.
    package static func signedBytes(body: [UInt8]) -> [UInt8] { SignatureDomain.receipt.message(body) }

    /// Whether the signature is by `key` over this receipt. Whose key that is stands in the certificate, which the caller
    /// verifies.
    package func isSigned(by key: ReportPublicKey) -> Bool {
        key.isValid(signature, for: Self.signedBytes(body: body))
    }

    /// The canonical bytes: version, body, number of certificates, each of them, signature.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: body.count + chain.reduce(0) { $0 + $1.count } + 96)
        writer.u8(Self.formatVersion)
        writer.lengthPrefixed(body)
        writer.varint(UInt64(chain.count))
        for certificate in chain { writer.lengthPrefixed(certificate) }
        writer.bytes(signature)
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused.
    /// - Throws: `CodecError`.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        let version = try reader.u8()
        guard version == Self.formatVersion else {
            throw reader.malformed("format version \(version) of a signed receipt")
        }
        body = try reader.lengthPrefixed(max: HoldReceipt.maximumByteCount)
        var chain: [[UInt8]] = []
        for _ in 0..<(try reader.count(max: Self.maximumChainCount)) {
            chain.append(try reader.lengthPrefixed(max: Self.maximumCertificateByteCount))
        }
        guard !chain.isEmpty else { throw reader.malformed("a receipt without a certificate") }
        self.chain = chain
        signature = try reader.raw(SignedReport.signatureByteCount)
        try reader.expectEnd()
    }
}

extension SignedReceipt: ListedWord {
    package static let listKind = "receipts"
    /// "MFRL".
    package static let listMark: [UInt8] = [0x4D, 0x46, 0x52, 0x4C]
    /// One of each mirror of a large fleet.
    package static let listLimit = 1_024
}

/// Receipts of several mirrors, as they travel. docs/formats/receipt.md states the form.
package typealias ReceiptList = SignedList<SignedReceipt>
