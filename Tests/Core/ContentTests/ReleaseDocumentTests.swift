import Content
import Hashing
import Testing
import TestSupport

@Suite struct ReleaseDocumentTests {
    /// The documents of the frozen vectors.
    private func vector(_ title: String) throws -> ReleaseDocument {
        func node(_ number: Int) throws -> NodeDigest { NodeDigest(try sampleDigest(number)) }
        func log(_ number: Int) throws -> LogEntryDigest { LogEntryDigest(try sampleDigest(number)) }
        switch title {
        case "first":
            return try ReleaseDocument(
                fleet: "example-packages", set: "debian", sequence: 1, publishedAt: 1_767_225_600,
                manifest: ManifestRoot(digest: node(0x11), height: 1, entries: 3, files: 2, bytes: 4096),
                predecessor: .first, changeset: nil, chunkProfile: 1,
                chunkLog: ChunkLogHead(epoch: 1, size: 2, root: log(0x22)))
        case "second":
            return try ReleaseDocument(
                fleet: "example-packages", set: "debian", sequence: 300, publishedAt: 1_767_229_200,
                manifest: ManifestRoot(
                    digest: node(0x33), height: 4, entries: 1_000_000, files: 900_000, bytes: 5 << 40),
                predecessor: .release(ReleaseDigest(try sampleDigest(0x44))),
                changeset: ChangesetReference(digest: ChangesetDigest(try sampleDigest(0x55)), byteCount: 34_000),
                chunkProfile: 2, chunkLog: ChunkLogHead(epoch: 2, size: 20_000_000, root: log(0x66)),
                confirmedDeletions: 1234, note: "p\u{F6}int release\nwith \u{1B}[31mred\u{1B}[0m",
                extensions: [
                    ReleaseExtension(id: 7, isCritical: false, bytes: Array("later".utf8)),
                    ReleaseExtension(id: 9, isCritical: false, bytes: []),
                ])
        default:
            return try ReleaseDocument(
                fleet: "a", set: "0-0", sequence: .max, publishedAt: 253_402_300_799,
                manifest: ManifestRoot(digest: node(0x77), height: 12, entries: 20_000_000, files: 0, bytes: 0),
                predecessor: .newStart, changeset: nil, chunkProfile: 255,
                chunkLog: ChunkLogHead(epoch: .max, size: 1 << 40, root: log(0x88)), confirmedDeletions: .max,
                note: String(repeating: "x", count: 4096))
        }
    }

    @Test(arguments: ["first", "second", "fresh"])
    func `frozen vectors of an independent implementation are met`(title: String) throws {
        let fixture = try FormatFixture("release-document.txt")
        let document = try vector(title)
        #expect(document.encode() == (try fixture.bytes(title + ".encoded")))
        #expect(document.digest.description == (try fixture.text(title + ".digest")))
        let read = try ReleaseDocument(decoding: document.encode())
        #expect(read == document)
        #expect(read.note == document.note)
        #expect(read.extensions == document.extensions)
        #expect(read.predecessor == document.predecessor)
    }

    @Test(arguments: ["first", "second"])
    func `damaged bytes either fail or are another document with another digest, and never trap`(title: String) throws {
        let document = try vector(title)
        for damage in damaged(document.encode()) {
            guard let other = try? ReleaseDocument(decoding: damage) else { continue }
            #expect(other.encode() == damage)
            #expect(other != document)
            #expect(other.digest != document.digest)
        }
    }

    @Test func `every truncation is refused as malformed`() throws {
        let bytes = try vector("second").encode()
        for count in 4..<bytes.count {
            #expect {
                try ReleaseDocument(decoding: Array(bytes[..<count]))
            } throws: { error in
                if case ReleaseDocumentError.malformed? = error as? ReleaseDocumentError { true } else { false }
            }
        }
        #expect(throws: ReleaseDocumentError.notAReleaseDocument) { try ReleaseDocument(decoding: []) }
        #expect(throws: ReleaseDocumentError.self) { try ReleaseDocument(decoding: bytes + [0]) }
    }

    @Test(arguments: [
        "", "-a", "A", "a.b", "a/b", "..", "a b", "\u{E9}", "e\u{301}", String(repeating: "a", count: 64),
    ])
    func `names that could be paths or have several spellings are refused`(name: String) {
        #expect(!PlainName.accepts(name))
        #expect(throws: ReleaseDocumentError.badName(Array(name.utf8))) { try ReleaseDocument.sample(fleet: name) }
        #expect(throws: ReleaseDocumentError.badName(Array(name.utf8))) { try ReleaseDocument.sample(set: name) }
    }

    @Test(arguments: ["a", "0", "a-", "debian-12", String(repeating: "z", count: 63)])
    func `plain names are accepted`(name: String) throws {
        #expect(try ReleaseDocument.sample(fleet: name, set: name).set == name)
    }

    @Test func `a previous release is named by all but the first release and a new start`() throws {
        let previous = ReleasePredecessor.release(ReleaseDigest(try sampleDigest(1)))
        #expect(try ReleaseDocument.sample(sequence: 1, predecessor: .first).previous == nil)
        #expect(try ReleaseDocument.sample(sequence: 2, predecessor: previous).previous != nil)
        #expect(try ReleaseDocument.sample(sequence: 9, predecessor: .newStart).previous == nil)
        #expect(throws: ReleaseDocumentError.badPredecessor(sequence: 1)) {
            try ReleaseDocument.sample(sequence: 1, predecessor: previous)
        }
        #expect(throws: ReleaseDocumentError.badPredecessor(sequence: 1)) {
            try ReleaseDocument.sample(sequence: 1, predecessor: .newStart)
        }
        #expect(throws: ReleaseDocumentError.badPredecessor(sequence: 2)) {
            try ReleaseDocument.sample(sequence: 2, predecessor: ReleasePredecessor.first)
        }
        #expect(throws: ReleaseDocumentError.sequenceZero) {
            try ReleaseDocument.sample(sequence: 0, predecessor: previous)
        }
    }

    @Test func `a changeset has bytes and leads from a previous release`() throws {
        let digest = ChangesetDigest(try sampleDigest(5))
        #expect(throws: ReleaseDocumentError.self) {
            try ReleaseDocument.sample(changeset: ChangesetReference(digest: digest, byteCount: 0))
        }
        #expect(throws: ReleaseDocumentError.self) {
            try ReleaseDocument.sample(sequence: 1, changeset: ChangesetReference(digest: digest, byteCount: 1))
        }
    }

    @Test(
        arguments: [
            (0, 1, 1, 1), (13, 1, 1, 1), (-1, 1, 1, 1), (1, 20_000_001, 1, 1), (1, 1, 2, 1), (1, 1, 1, UInt64.max),
        ] as [(Int, UInt64, UInt64, UInt64)])
    func `a manifest whose figures are impossible is refused`(
        height: Int, entries: UInt64, files: UInt64, bytes: UInt64
    ) throws {
        let root = ManifestRoot(
            digest: NodeDigest(try sampleDigest(1)), height: height, entries: entries, files: files, bytes: bytes)
        #expect(throws: ReleaseDocumentError.self) { try ReleaseDocument.sample(manifest: root) }
    }

    @Test func `limits of time, profile, log and note are kept`() throws {
        #expect(throws: ReleaseDocumentError.badTime(-1)) { try ReleaseDocument.sample(publishedAt: -1) }
        #expect(throws: ReleaseDocumentError.badTime(253_402_300_800)) {
            try ReleaseDocument.sample(publishedAt: 253_402_300_800)
        }
        #expect(throws: ReleaseDocumentError.badChunkProfile) { try ReleaseDocument.sample(chunkProfile: 0) }
        let root = LogEntryDigest(try sampleDigest(1))
        #expect(throws: ReleaseDocumentError.badChunkLog(epoch: 0, size: 1)) {
            try ReleaseDocument.sample(chunkLog: ChunkLogHead(epoch: 0, size: 1, root: root))
        }
        #expect(throws: ReleaseDocumentError.badChunkLog(epoch: 1, size: 1 << 40 + 1)) {
            try ReleaseDocument.sample(chunkLog: ChunkLogHead(epoch: 1, size: 1 << 40 + 1, root: root))
        }
        let note = String(repeating: "\u{E9}", count: 2049)
        #expect(throws: ReleaseDocumentError.badNote(byteCount: 4098)) { try ReleaseDocument.sample(note: note) }
    }

    @Test func `a note that is not UTF-8 is refused, and two spellings of one letter are two documents`() throws {
        let composed = try ReleaseDocument.sample(note: "\u{E9}")
        let decomposed = try ReleaseDocument.sample(note: "e\u{301}")
        #expect(composed.note == decomposed.note)
        #expect(composed != decomposed)
        #expect(Array(try ReleaseDocument(decoding: decomposed.encode()).note.utf8) == [0x65, 0xCC, 0x81])
        var bytes = composed.encode()
        let place = try #require(bytes.lastIndex(of: 0xC3))
        bytes[place] = 0xFF
        #expect(throws: ReleaseDocumentError.badNote(byteCount: 2)) { try ReleaseDocument(decoding: bytes) }
    }

    @Test func `an unknown extension is kept, unless it is critical`() throws {
        let harmless = ReleaseExtension(id: 4_000_000_000, isCritical: false, bytes: [1, 2, 3])
        let document = try ReleaseDocument.sample(extensions: [harmless])
        let read = try ReleaseDocument(decoding: document.encode())
        #expect(read.extensions == [harmless])
        #expect(read.encode() == document.encode())
        let critical = ReleaseExtension(id: 12, isCritical: true, bytes: [])
        let demanding = try ReleaseDocument.sample(extensions: [critical, harmless])
        #expect(throws: ReleaseDocumentError.unknownCriticalExtension(id: 12)) {
            try ReleaseDocument(decoding: demanding.encode())
        }
    }

    @Test func `extensions beyond their limits or out of order are refused`() throws {
        func item(_ id: UInt32, _ count: Int) -> ReleaseExtension {
            ReleaseExtension(id: id, isCritical: false, bytes: [UInt8](repeating: 0, count: count))
        }
        #expect(try ReleaseDocument.sample(extensions: (0..<64).map { item($0, 0) }).extensions.count == 64)
        #expect(throws: ReleaseDocumentError.self) {
            try ReleaseDocument.sample(extensions: (0..<65).map { item($0, 0) })
        }
        #expect(throws: ReleaseDocumentError.self) { try ReleaseDocument.sample(extensions: [item(1, 16_385)]) }
        #expect(throws: ReleaseDocumentError.self) { try ReleaseDocument.sample(extensions: [item(2, 0), item(1, 0)]) }
        #expect(throws: ReleaseDocumentError.self) { try ReleaseDocument.sample(extensions: [item(2, 0), item(2, 0)]) }
        #expect {
            try ReleaseDocument.sample(extensions: (0..<4).map { item($0, 16_384) })
        } throws: { error in
            if case ReleaseDocumentError.tooLarge? = error as? ReleaseDocumentError { true } else { false }
        }
        let oversized = [UInt8](repeating: 0, count: 65_537)
        #expect(throws: ReleaseDocumentError.tooLarge(65_537)) { try ReleaseDocument(decoding: oversized) }
    }

    @Test func `a later version is refused by its number`() throws {
        var bytes = try ReleaseDocument.sample().encode()
        bytes[4] = 2
        #expect(throws: ReleaseDocumentError.unknownVersion(2)) { try ReleaseDocument(decoding: bytes) }
    }

    @Test func `a document follows another only with its digest, a higher sequence and a log that grew`() throws {
        func log(_ epoch: UInt32, _ size: UInt64) throws -> ChunkLogHead {
            ChunkLogHead(epoch: epoch, size: size, root: LogEntryDigest(try sampleDigest(2)))
        }
        let held = try ReleaseDocument.sample(sequence: 5, chunkLog: log(3, 10))
        let right = ReleasePredecessor.release(held.digest)
        let wrong = ReleasePredecessor.release(ReleaseDigest(try sampleDigest(9)))
        func follows(
            _ sequence: UInt64, _ predecessor: ReleasePredecessor, _ epoch: UInt32, _ size: UInt64,
            set: String = "debian"
        ) throws -> Bool {
            try ReleaseDocument.sample(
                set: set, sequence: sequence, predecessor: predecessor, chunkLog: log(epoch, size)
            ).canFollow(held)
        }
        #expect(try follows(6, right, 3, 10))
        #expect(try follows(6, right, 3, 11))
        #expect(try follows(6, right, 4, 0))
        #expect(try follows(8, wrong, 3, 11))
        #expect(try follows(8, wrong, 7, 1))
        #expect(try follows(6, .newStart, 1, 1))
        #expect(try !follows(6, wrong, 3, 11))
        #expect(try !follows(6, right, 3, 9))
        #expect(try !follows(6, right, 5, 9))
        #expect(try !follows(8, wrong, 2, 11))
        #expect(try !follows(5, right, 3, 11))
        #expect(try !follows(6, right, 3, 11, set: "iso"))
    }

    @Test func `an error shows a hostile name without control characters`() {
        let error = ReleaseDocumentError.badName(Array("a\u{1B}[2Jb\n".utf8))
        #expect(!error.description.utf8.contains { $0 < 0x20 })
    }
}
