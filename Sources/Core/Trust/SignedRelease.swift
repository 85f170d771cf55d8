package import Content

/// A signature over a release document.
package struct ReleaseSignature: Hashable, Sendable {
    /// How the signature was made. Others are kept and never counted, so that a release can carry signatures of a
    /// later kind beside those that this program verifies.
    package struct Algorithm: Hashable, Sendable {
        /// 1 to 255.
        package let number: UInt8
        /// Ed25519 of RFC 8032, 64 bytes.
        package static let ed25519 = Algorithm(number: 1)
    }

    /// Which key is said to have made it.
    package let keyID: PublisherKeyID
    /// How it was made.
    package let algorithm: Algorithm
    /// The signature itself.
    package let bytes: [UInt8]
}

/// A release document with the signatures over it: what travels and is stored. Nothing of it is believed before
/// ``ReleaseVerifier`` has seen it. docs/formats/signed-release.md states the form.
package struct SignedRelease: Hashable, Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 1
    /// The most signatures of one release: more people than ever sign one.
    package static let maximumSignatureCount = 16
    /// The most bytes of one signature: a hybrid one with ML-DSA-65 has 3,373.
    package static let maximumSignatureByteCount = 4096
    /// The most bytes in all: a document, and every signature at its limit.
    package static let maximumByteCount = 192 << 10
    /// "MFSR": tells a person who finds the file, and this program, what it is.
    private static let mark: [UInt8] = [0x4D, 0x46, 0x53, 0x52]

    /// The bytes of the release document, as they were signed.
    package let document: [UInt8]
    /// In ascending order of their key ids, each once.
    package let signatures: [ReleaseSignature]

    /// A document with the signatures of some keys. Throws ``SignedReleaseError`` above a limit, or if a key signs
    /// twice.
    package init(document: [UInt8], signatures: [ReleaseSignature]) throws(SignedReleaseError) {
        guard document.count <= ReleaseDocument.maximumByteCount else { throw .documentTooLarge(document.count) }
        guard signatures.count <= Self.maximumSignatureCount else { throw .tooManySignatures(UInt64(signatures.count)) }
        for signature in signatures where signature.bytes.count > Self.maximumSignatureByteCount {
            throw .malformed("a signature of \(signature.bytes.count) bytes")
        }
        let sorted = signatures.sorted { $0.keyID < $1.keyID }
        for (left, right) in zip(sorted, sorted.dropFirst()) where left.keyID == right.keyID {
            throw .repeatedKey(left.keyID)
        }
        self.document = document
        self.signatures = sorted
    }

    /// A document signed by one key.
    package init(_ document: ReleaseDocument, by key: PublisherKey) throws {
        let bytes = document.encode()
        try self.init(document: bytes, signatures: [try key.sign(document: bytes)])
    }

    /// The same document with one more signature. Throws ``SignedReleaseError``.
    package func adding(_ signature: ReleaseSignature) throws(SignedReleaseError) -> SignedRelease {
        try SignedRelease(document: document, signatures: signatures + [signature])
    }

    /// The digest of the document, whether its signatures are right or not.
    package var digest: ReleaseDigest { ReleaseDocument.digest(of: document) }

    /// The canonical bytes.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: document.count + 16 + signatures.count * 100)
        writer.bytes(Self.mark)
        writer.u8(Self.formatVersion)
        writer.lengthPrefixed(document)
        writer.varint(UInt64(signatures.count))
        for signature in signatures {
            writer.bytes(signature.keyID.bytes)
            writer.u8(signature.algorithm.number)
            writer.lengthPrefixed(signature.bytes)
        }
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused. Throws ``SignedReleaseError``.
    package init(decoding bytes: [UInt8]) throws(SignedReleaseError) {
        guard bytes.count <= Self.maximumByteCount else { throw .tooLarge(bytes.count) }
        guard bytes.starts(with: Self.mark) else { throw .notASignedRelease }
        var document: [UInt8] = []
        var signatures: [ReleaseSignature] = []
        do {
            var reader = ByteReader(bytes)
            _ = try reader.raw(Self.mark.count)
            let version = try reader.u8()
            guard version == Self.formatVersion else { throw SignedReleaseError.unknownVersion(version) }
            document = try reader.lengthPrefixed(max: ReleaseDocument.maximumByteCount)
            let count = try reader.varint(max: .max)
            guard count <= UInt64(Self.maximumSignatureCount) else {
                throw SignedReleaseError.tooManySignatures(count)
            }
            for _ in 0..<count {
                let keyID = PublisherKeyID(try reader.raw(32))
                let algorithm = ReleaseSignature.Algorithm(number: try reader.u8())
                let signature = try reader.lengthPrefixed(max: Self.maximumSignatureByteCount)
                if let last = signatures.last, keyID <= last.keyID {
                    throw keyID == last.keyID
                        ? SignedReleaseError.repeatedKey(keyID) : .malformed("signatures are not in order")
                }
                signatures.append(ReleaseSignature(keyID: keyID, algorithm: algorithm, bytes: signature))
            }
            try reader.expectEnd()
        } catch let error as SignedReleaseError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
        try self.init(document: document, signatures: signatures)
    }
}

/// Which rule a signed release breaks, with the values.
package enum SignedReleaseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes do not begin as a signed release does.
    case notASignedRelease
    /// It was written by a later version of the format.
    case unknownVersion(UInt8)
    /// It has more bytes than ``SignedRelease/maximumByteCount``.
    case tooLarge(Int)
    /// Its document has more bytes than ``ReleaseDocument/maximumByteCount``.
    case documentTooLarge(Int)
    /// It has more signatures than ``SignedRelease/maximumSignatureCount``.
    case tooManySignatures(UInt64)
    /// One key signs twice.
    case repeatedKey(PublisherKeyID)
    /// The bytes end too early, go on too long, or are not in canonical form.
    case malformed(String)

    package var description: String {
        switch self {
        case .notASignedRelease: "this is not a signed release"
        case .unknownVersion(let version):
            "signed release has format version \(version), this program reads \(SignedRelease.formatVersion): update it"
        case .tooLarge(let count):
            "signed release has \(count) bytes, the limit is \(SignedRelease.maximumByteCount)"
        case .documentTooLarge(let count):
            "signed release has a document of \(count) bytes, the limit is \(ReleaseDocument.maximumByteCount)"
        case .tooManySignatures(let count):
            "signed release has \(count) signatures, the limit is \(SignedRelease.maximumSignatureCount)"
        case .repeatedKey(let key): "signed release has two signatures by key \(key)"
        case .malformed(let what): "signed release is malformed: \(what)"
        }
    }
}
