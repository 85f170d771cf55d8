package import Content
import Crypto
import Hashing
import UpdateFramework

/// What a portable proof shows: believe it as far as you believe the root that it was verified from.
package struct ProvenEntry: Sendable {
    /// The path that was asked for.
    package let path: RelativePath
    /// The entry at the path; nil if the proof shows that the release has none.
    package let entry: ManifestEntry?
    /// The release.
    package let document: ReleaseDocument
    /// The digest of its document.
    package let digest: ReleaseDigest
    /// The version of the newest root of the proof.
    package let rootVersion: Int64
    /// The SHA-256 of that root's file in hexadecimal. Where the proof brought the root along itself, a person compares
    /// it with a known one.
    package let rootFingerprint: String

    /// The fleet of the release.
    package var fleet: String { document.fleet }
    /// The content set of the release.
    package var set: String { document.set }
    /// The number of the release.
    package var sequence: UInt64 { document.sequence }
}

/// Everything that somebody without a fleet needs to check that one file belongs to one release: the release document,
/// the TUF metadata that leads to it, and the way from the release's root to the entry. A text, so that it survives mail.
///
/// It shows that the release was signed, not that it is the newest. docs/formats/portable-proof.md states the form.
package struct PortableProof: Hashable, Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 2
    /// The most bytes of the text: the parts at their limits, in Base64 with line ends.
    package static let maximumTextByteCount = 1 << 23
    /// The most bytes of the metadata: one fleet's, with the roots since the first.
    package static let maximumMetadataByteCount = 4 << 20

    private static let context = BLAKE3Context("mirrorfleet v2 portable proof")
    private static let firstLine = "-----BEGIN MIRRORFLEET PROOF-----"
    private static let lastLine = "-----END MIRRORFLEET PROOF-----"
    private static let lineByteCount = 64

    /// The release document, not verified.
    package let document: [UInt8]
    /// The metadata that leads to it, not verified.
    package let metadata: RepositoryDocuments
    /// The way from the root to the entry, not verified.
    package let manifestProof: ManifestProof

    /// Puts the parts together; ``verify(from:)`` says whether they fit.
    package init(document: [UInt8], metadata: RepositoryDocuments, manifestProof: ManifestProof) {
        self.document = document
        self.metadata = metadata
        self.manifestProof = manifestProof
    }

    /// Checks the metadata from `root` down to the release, and that the way leads from the release's root to the entry
    /// (or to where it would be). Without `root`, the oldest root of the proof is taken, and says nothing more than that
    /// the proof hangs together. Expiry is not looked at: it is about what is new. Throws ``PortableProofError``.
    package func verify(from root: RepositoryDocuments? = nil) throws(PortableProofError) -> ProvenEntry {
        let stated: ReleaseDocument
        do {
            stated = try ReleaseDocument(decoding: document)
        } catch {
            throw .notTrusted(.badDocument(error))
        }
        guard let start = root ?? oldestRoot else { throw .malformed("it has no root") }
        let repository: VerifiedRepository
        do {
            repository = try VerifiedRepository.update(
                start, with: metadata, fleet: stated.fleet, now: MetadataTime(secondsSince1970: 0)
            ).result.get()
        } catch {
            throw .notTrusted(.metadata(error))
        }
        let release: VerifiedRelease
        do {
            release = try ReleaseVerifier.verify(
                document, sequence: stated.sequence, ofSet: stated.set, fleet: stated.fleet, by: repository, above: nil,
                freshAt: nil)
        } catch {
            throw .notTrusted(error)
        }
        guard manifestProof.entryCount == stated.manifest.entries else {
            throw .otherEntryCount(expected: stated.manifest.entries, found: manifestProof.entryCount)
        }
        do {
            let newest = repository.documents.newestRoot
            return ProvenEntry(
                path: manifestProof.path, entry: try manifestProof.verify(root: stated.manifest.digest),
                document: stated, digest: release.digest, rootVersion: newest?.version ?? 0,
                rootFingerprint: Self.fingerprint(ofRoot: newest?.bytes ?? []))
        } catch {
            throw .notInManifest(error)
        }
    }

    /// The SHA-256 of a root's file in hexadecimal, as `sha256sum` prints it.
    package static func fingerprint(ofRoot bytes: [UInt8]) -> String {
        String(decoding: Hexadecimal.letters(Array(SHA256.hash(data: bytes))), as: UTF8.self)
    }

    private var oldestRoot: RepositoryDocuments? {
        metadata.roots.min { $0.key < $1.key }.map { RepositoryDocuments(roots: [$0.key: $0.value]) }
    }

    /// The text of the proof file.
    package func encode() -> String {
        var writer = ByteWriter(capacity: 64 << 10)
        writer.u8(Self.formatVersion)
        writer.lengthPrefixed(document)
        writer.lengthPrefixed(metadata.encode())
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

    /// Reads the bytes of a proof file; whether it proves anything is for ``verify(from:)`` to say. Lines may end in CR LF.
    /// Throws ``PortableProofError``.
    package init(decoding bytes: [UInt8]) throws(PortableProofError) {
        let content = try Self.armored(bytes)
        do {
            var reader = ByteReader(content)
            let version = try reader.u8()
            guard version == Self.formatVersion else { throw PortableProofError.unknownVersion(version) }
            document = try reader.lengthPrefixed(max: ReleaseDocument.maximumByteCount)
            metadata = try RepositoryDocuments(
                decoding: try reader.lengthPrefixed(max: Self.maximumMetadataByteCount))
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
            "proof has format version \(version), this program reads \(PortableProof.formatVersion): have it made again, or update it"
        case .tooLarge(let count):
            "proof has \(count) bytes, the limit is \(PortableProof.maximumTextByteCount)"
        case .malformed(let what): "proof is damaged: \(what): have it made again"
        case .notTrusted(let error): "proof does not hold: \(error)"
        case .otherEntryCount(let expected, let found):
            "proof does not hold: it is about a tree of \(found) entries, the release has \(expected)"
        case .notInManifest(let error): "proof does not hold: \(error)"
        }
    }
}
