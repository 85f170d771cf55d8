import Content
import Testing
import TestSupport
import Trust

@Suite struct PublisherKeyTests {
    @Test(arguments: [1, 2] as [UInt8])
    func `keys, fingerprints and signatures are those of an independent implementation`(number: UInt8) throws {
        let fixture = try FormatFixture("signed-release.txt")
        let document = try FormatFixture("release-document.txt").bytes("first.encoded")
        let key = try sampleKey(number)
        #expect(key.publicKey.text == (try fixture.text("key\(number).public")))
        #expect(key.publicKey.fingerprint == (try fixture.text("key\(number).fingerprint")))
        let signature = try key.sign(document: document)
        #expect(signature.bytes == (try fixture.bytes("key\(number).signature")))
        #expect(signature.keyID == key.publicKey.keyID)
        #expect(key.publicKey.isValid(signature.bytes, forDocument: document))
    }

    @Test func `a signature holds for its document and its key alone, and no bit of it may change`() throws {
        let key = try sampleKey(1)
        let document = Array("a document".utf8)
        let signature = try key.sign(document: document).bytes
        #expect(!key.publicKey.isValid(signature, forDocument: document + [0]))
        #expect(!(try sampleKey(2)).publicKey.isValid(signature, forDocument: document))
        for index in signature.indices {
            var changed = signature
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(!key.publicKey.isValid(changed, forDocument: document))
        }
        for count in [0, 63, 65] {
            #expect(!key.publicKey.isValid([UInt8](repeating: 0, count: count), forDocument: document))
        }
    }

    @Test func `key files read back, with comments, blank lines and line ends of another system`() throws {
        let key = try sampleKey(7)
        let secret = key.file(comment: "publisher of example\nforged: line")
        #expect(try PublisherKey(text: secret).publicKey == key.publicKey)
        let open = key.publicKey.file(comment: "publisher")
        #expect(try PublisherPublicKey(text: open) == key.publicKey)
        #expect(try PublisherPublicKey(text: "\r\n# hello\r\n\t \(key.publicKey.text) \r\n\r\n") == key.publicKey)
    }

    @Test func `a secret key where a public one belongs is named as such, and the other way round`() throws {
        let key = try sampleKey(7)
        #expect(throws: KeyTextError.secretKey) { try PublisherPublicKey(text: key.file(comment: "")) }
        #expect(throws: KeyTextError.publicKey) { try PublisherKey(text: key.publicKey.file(comment: "")) }
    }

    @Test(arguments: [
        ("", KeyTextError.wrongNumberOfKeys(0)), ("# only a comment\n", .wrongNumberOfKeys(0)),
        ("ed25519:AAAA\ned25519:AAAA", .wrongNumberOfKeys(2)), ("ed25519", .unknownType), ("rsa:AAAA", .unknownType),
        ("Ed25519:AAAA", .unknownType), ("ed25519:", .badKey), ("ed25519:AAAA", .badKey),
        ("ed25519:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1x=", .badKey),
        ("ed25519:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w= comment", .badKey),
        (String(repeating: "#", count: 4097), .tooLong(byteCount: 4097)),
    ])
    func `a text that is not exactly one key is refused with the reason`(text: String, error: KeyTextError) {
        #expect(throws: error) { try PublisherPublicKey(text: text) }
    }

    @Test func `a seed of another length makes no key`() {
        #expect(PublisherKey(seed: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(PublisherKey(seed: [UInt8](repeating: 1, count: 33)) == nil)
        #expect(PublisherPublicKey(bytes: [UInt8](repeating: 1, count: 33)) == nil)
    }

    @Test func `nothing that prints or dumps a key shows its secret`() throws {
        let key = try sampleKey(7)
        let secret = Base64.encode([UInt8](repeating: 7, count: 32))
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(!text.contains(secret))
            #expect(!text.contains("7, 7, 7"))
        }
        #expect(key.file(comment: "").contains(secret))
    }
}
