package import Content
import Hashing

/// What a portable proof shows: believe it as far as you believe the key.
package struct ProvenEntry: Hashable, Sendable {
    /// The path that was asked for.
    package let path: RelativePath
    /// The entry at the path; nil if the proof shows that the release has none.
    package let entry: ManifestEntry?
    /// The release.
    package let document: ReleaseDocument
    /// The digest of its document.
    package let digest: ReleaseDigest
    /// The key that signed it. The proof brings it along: a person compares ``fingerprint`` with a known one.
    package let publisher: PublisherPublicKey

    /// The fleet of the release.
    package var fleet: String { document.fleet }
    /// The content set of the release.
    package var set: String { document.set }
    /// The number of the release.
    package var sequence: UInt64 { document.sequence }
    /// The fingerprint of ``publisher``.
    package var fingerprint: String { publisher.fingerprint }
}

/// Everything that somebody without a fleet needs to check that one file belongs to one release: the signed release,
/// the publisher's public key, and the way from the release's root to the entry. A text, so that it survives mail.
///
/// docs/formats/signed-release.md states the form.
package struct PortableProof: Hashable, Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 1
    /// The most bytes of the text: the parts at their limits, in Base64 with line ends.
    package static let maximumTextByteCount = 1 << 21

    private static let context = BLAKE3Context("mirrorfleet v1 portable proof")
    private static let firstLine = "-----BEGIN MIRRORFLEET PROOF-----"
    private static let lastLine = "-----END MIRRORFLEET PROOF-----"
    private static let lineByteCount = 64

    /// The release, not verified.
    package let signed: SignedRelease
    /// The key that is to verify it.
    package let publisher: PublisherPublicKey
    /// The way from the root to the entry, not verified.
    package let manifestProof: ManifestProof

    /// Puts the parts together; ``verify()`` says whether they fit.
    package init(signed: SignedRelease, publisher: PublisherPublicKey, manifestProof: ManifestProof) {
        self.signed = signed
        self.publisher = publisher
        self.manifestProof = manifestProof
    }

    /// Checks the signature by the key inside, and that the way leads from the signed root to the entry (or to where
    /// it would be). With `policy`, the key must be one of its publishers and the fleet the same.
    /// Throws ``PortableProofError``.
    package func verify(policy: ReleasePolicy? = nil) throws(PortableProofError) -> ProvenEntry {
        if let policy, !policy.publishers.contains(publisher) {
            throw .otherPublisher(publisher)
        }
        let document: ReleaseDocument
        do {
            document = try ReleaseDocument(decoding: signed.document)
        } catch {
            throw .notTrusted(.badDocument(error))
        }
        let release: VerifiedRelease
        do {
            let own = ReleasePolicy(fleet: policy?.fleet ?? document.fleet, publishers: [publisher])
            release = try ReleaseVerifier.verify(signed, policy: own, set: document.set, above: nil)
        } catch {
            throw .notTrusted(error)
        }
        guard manifestProof.entryCount == document.manifest.entries else {
            throw .otherEntryCount(expected: document.manifest.entries, found: manifestProof.entryCount)
        }
        do {
            return ProvenEntry(
                path: manifestProof.path, entry: try manifestProof.verify(root: document.manifest.digest),
                document: document, digest: release.digest, publisher: publisher)
        } catch {
            throw .notInManifest(error)
        }
    }

    /// The text of the proof file.
    package func encode() -> String {
        var writer = ByteWriter(capacity: 256 << 10)
        writer.u8(Self.formatVersion)
        writer.bytes(publisher.bytes)
        writer.lengthPrefixed(signed.encode())
        writer.lengthPrefixed(manifestProof.encode())
        writer.digest(Self.context.hash(writer.bytes))
        let letters = Base64.encodeBytes(writer.bytes)
        var text = Array(Self.firstLine.utf8) + [UInt8(ascii: "\n")]
        var start = 0
        while start < letters.count {
            let end = min(start + Self.lineByteCount, letters.count)
            text += letters[start..<end]
            text.append(UInt8(ascii: "\n"))
            start = end
        }
        text += Array(Self.lastLine.utf8) + [UInt8(ascii: "\n")]
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads the bytes of a proof file; whether it proves anything is for ``verify()`` to say. Lines may end in CR LF.
    /// Throws ``PortableProofError``.
    package init(decoding bytes: [UInt8]) throws(PortableProofError) {
        let content = try Self.armored(bytes)
        do {
            var reader = ByteReader(content)
            let version = try reader.u8()
            guard version == Self.formatVersion else { throw PortableProofError.unknownVersion(version) }
            guard let key = PublisherPublicKey(bytes: try reader.raw(PublisherPublicKey.byteCount)) else {
                throw PortableProofError.malformed("the key has another length")
            }
            publisher = key
            signed = try SignedRelease(decoding: try reader.lengthPrefixed(max: SignedRelease.maximumByteCount))
            manifestProof = try ManifestProof(
                decoding: try reader.lengthPrefixed(max: ManifestProof.maximumByteCount))
            let sum = Self.context.hash(Array(content[..<reader.offset]))
            guard try reader.digest() == sum else { throw PortableProofError.malformed("its own digest is wrong") }
            try reader.expectEnd()
        } catch let error as PortableProofError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// What the Base64 between the first and the last line stands for.
    private static func armored(_ bytes: [UInt8]) throws(PortableProofError) -> [UInt8] {
        guard bytes.count <= maximumTextByteCount else { throw .tooLarge(bytes.count) }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
        if lines.last?.isEmpty == true {
            lines.removeLast()
        }
        guard lines.count >= 2, lines[0].elementsEqual(firstLine.utf8),
            lines[lines.count - 1].elementsEqual(lastLine.utf8)
        else { throw .notAProof }
        let body = lines[1..<(lines.count - 1)]
        guard body.dropLast().allSatisfy({ $0.count == lineByteCount }), let last = body.last,
            (1...lineByteCount).contains(last.count)
        else { throw .malformed("its lines have other lengths than \(lineByteCount)") }
        guard let content = Base64.decode(Array(body.joined())) else { throw .malformed("its Base64 is damaged") }
        return content
    }
}

/// Why a portable proof proves nothing.
package enum PortableProofError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file does not begin and end as a proof does.
    case notAProof
    /// It was written by a later version of the format.
    case unknownVersion(UInt8)
    /// It has more bytes than the limit.
    case tooLarge(Int)
    /// The file is damaged.
    case malformed(String)
    /// The key inside is none of the fleet's publishers.
    case otherPublisher(PublisherPublicKey)
    /// The release inside is not to be believed.
    case notTrusted(TrustError)
    /// The proof speaks of a tree of another size than the release.
    case otherEntryCount(expected: UInt64, found: UInt64)
    /// The way does not lead from the release's root to the entry.
    case notInManifest(ManifestProofError)

    package var description: String {
        switch self {
        case .notAProof: "this is no proof file: it must begin with -----BEGIN MIRRORFLEET PROOF-----"
        case .unknownVersion(let version):
            "proof has format version \(version), this program reads \(PortableProof.formatVersion): update it"
        case .tooLarge(let count):
            "proof has \(count) bytes, the limit is \(PortableProof.maximumTextByteCount)"
        case .malformed(let what): "proof is damaged: \(what): have it made again"
        case .otherPublisher(let key):
            "proof is made with the key \(key.fingerprint), which is no publisher of this fleet: do not believe it"
        case .notTrusted(let error): "proof does not hold: \(error)"
        case .otherEntryCount(let expected, let found):
            "proof does not hold: it is about a tree of \(found) entries, the release has \(expected)"
        case .notInManifest(let error): "proof does not hold: \(error)"
        }
    }
}
