import Content
import Hashing
import Testing
import Trust
import TrustSupport
import UpdateFramework

@Suite struct PortableProofTests {
    private let root: ManifestRoot
    private let nodes: [NodeDigest: [UInt8]]

    init() throws {
        var held: [NodeDigest: [UInt8]] = [:]
        let table = Table()
        var builder = ManifestBuilder { table.nodes[$0] = $1 }
        for number in 100..<400 {
            try builder.append(try Self.entry("file\(number)"))
        }
        root = try builder.finish()
        held = table.nodes
        nodes = held
    }

    private final class Table {
        var nodes: [NodeDigest: [UInt8]] = [:]
    }

    private static func entry(_ name: String) throws -> ManifestEntry {
        let blob = BLAKE3.hash(Array(name.utf8))
        return try ManifestEntry(
            path: try RelativePath(name), type: .file, modified: 1_767_225_600, size: UInt64(name.utf8.count),
            blob: BlobDigest(blob))
    }

    private func proof(
        _ path: String, by number: UInt8 = 1, root other: ManifestRoot? = nil, naming named: ReleaseDocument? = nil
    ) throws -> PortableProof {
        let document = try sampleDocument(manifest: other ?? root)
        let signed = (document.sequence, (named ?? document).encode())
        return PortableProof(
            document: document.encode(),
            metadata: try samplePublisher(number).documents(naming: [signed], of: "debian"),
            manifestProof: try ManifestProof.make(try RelativePath(path), root: root.digest) { nodes[$0] })
    }

    @Test func `a proof file says which entry the release has, of which set and number, and from which root`() throws {
        let text = try proof("file250").encode()
        let proven = try PortableProof(decoding: Array(text.utf8)).verify()
        #expect(proven.entry == (try Self.entry("file250")))
        #expect(proven.path == (try RelativePath("file250")))
        #expect(proven.fleet == "example")
        #expect(proven.set == "debian")
        #expect(proven.sequence == 5)
        #expect(proven.rootVersion == 1)
        #expect(proven.rootFingerprint == PortableProof.fingerprint(ofRoot: try samplePublisher().root))
    }

    @Test func `a proof of absence proves that there is no entry`() throws {
        let proven = try PortableProof(decoding: Array(try proof("nothing").encode().utf8)).verify()
        #expect(proven.entry == nil)
    }

    @Test func `no byte of a proof file may change`() throws {
        let bytes = Array(try proof("file250").encode().utf8)
        for index in bytes.indices {
            for change: UInt8 in [0x01, 0x20, 0x80] {
                var copy = bytes
                copy[index] ^= change
                #expect(throws: PortableProofError.self) { try PortableProof(decoding: copy).verify() }
            }
            guard index < bytes.count - 1 else { continue }
            #expect(throws: PortableProofError.self) { try PortableProof(decoding: Array(bytes[..<index])) }
        }
        #expect(throws: PortableProofError.self) { try PortableProof(decoding: bytes + bytes) }
    }

    @Test func `line ends of another system do no harm`() throws {
        let text = try proof("file250").encode()
        let other = text.utf8.flatMap { $0 == 10 ? [13, 10] : [$0] }
        #expect(try PortableProof(decoding: other).verify().sequence == 5)
    }

    @Test func `a proof of a release that was not signed is refused`() throws {
        let signed = try sampleDocument(note: "another", manifest: root)
        #expect(throws: PortableProofError.self) { try proof("file250", naming: signed).verify() }
        let smaller = ManifestRoot(
            digest: root.digest, height: root.height, entries: root.entries - 1, files: root.files - 1,
            bytes: root.bytes)
        #expect(throws: PortableProofError.otherEntryCount(expected: 299, found: 300)) {
            try proof("file250", root: smaller).verify()
        }
        let other = ManifestRoot(
            digest: NodeDigest(try sampleDigest(9)), height: root.height, entries: root.entries, files: root.files,
            bytes: root.bytes)
        #expect(throws: PortableProofError.self) { try proof("file250", root: other).verify() }
    }

    @Test func `from a fleet's root, only what that root leads to is believed`() throws {
        let own = RepositoryDocuments(roots: [1: try samplePublisher().root])
        #expect(try proof("file250").verify(from: own).sequence == 5)
        #expect(try proof("file250", by: 2).verify().sequence == 5)
        let error = #expect(throws: PortableProofError.self) { try proof("file250", by: 2).verify(from: own) }
        guard case .notTrusted(.metadata(let refusal))? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.label == "too-few-signers")
    }
}
