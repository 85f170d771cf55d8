import Content
import Testing
import TestSupport
import Trust

@Suite struct SignedReleaseTests {
    private func vector(_ title: String, keys: [UInt8]) throws -> SignedRelease {
        let document = try FormatFixture("release-document.txt").bytes("first.encoded")
        return try SignedRelease(
            document: document, signatures: try keys.map { try sampleKey($0).sign(document: document) })
    }

    @Test(arguments: [("none", []), ("one", [1]), ("two", [1, 2]), ("two", [2, 1])] as [(String, [UInt8])])
    func `frozen vectors of an independent implementation are met`(title: String, keys: [UInt8]) throws {
        let signed = try vector(title, keys: keys)
        let bytes = try FormatFixture("signed-release.txt").bytes(title + ".encoded")
        #expect(signed.encode() == bytes)
        #expect(try SignedRelease(decoding: bytes) == signed)
    }

    @Test func `damaged bytes either fail or are another signed release, and never trap`() throws {
        let signed = try vector("two", keys: [1, 2])
        let bytes = signed.encode()
        for index in bytes.indices {
            for bit in 0..<8 {
                var copy = bytes
                copy[index] ^= 1 << UInt8(bit)
                guard let other = try? SignedRelease(decoding: copy) else { continue }
                #expect(other != signed)
                #expect(other.encode() == copy)
            }
            #expect(throws: SignedReleaseError.self) { try SignedRelease(decoding: Array(bytes[..<index])) }
        }
        #expect(throws: SignedReleaseError.self) { try SignedRelease(decoding: bytes + [0]) }
    }

    @Test func `one key cannot sign twice, made or read`() throws {
        let document = try sampleDocument().encode()
        let signature = try sampleKey(1).sign(document: document)
        #expect(throws: SignedReleaseError.repeatedKey(signature.keyID)) {
            try SignedRelease(document: document, signatures: [signature, signature])
        }
        let one = try SignedRelease(document: document, signatures: [signature]).encode()
        let signatureBytes = 32 + 1 + 1 + 64
        var twice = one + one.suffix(signatureBytes)
        twice[one.count - signatureBytes - 1] = 2
        #expect(throws: SignedReleaseError.repeatedKey(signature.keyID)) { try SignedRelease(decoding: twice) }
    }

    @Test func `signatures out of order are refused, so one release has one form`() throws {
        let bytes = try vector("two", keys: [1, 2]).encode()
        let size = 32 + 1 + 1 + 64
        let swapped = bytes.dropLast(2 * size) + bytes.suffix(size) + bytes.dropLast(size).suffix(size)
        #expect(throws: SignedReleaseError.self) { try SignedRelease(decoding: Array(swapped)) }
    }

    @Test func `limits are kept`() throws {
        let document = try sampleDocument().encode()
        let keys = try (1...17).map { try sampleKey($0) }
        let signatures = try keys.map { try $0.sign(document: document) }
        #expect(throws: SignedReleaseError.tooManySignatures(17)) {
            try SignedRelease(document: document, signatures: signatures)
        }
        #expect(try SignedRelease(document: document, signatures: Array(signatures.dropLast())).signatures.count == 16)
        let large = [UInt8](repeating: 0, count: 65_537)
        #expect(throws: SignedReleaseError.documentTooLarge(65_537)) {
            try SignedRelease(document: large, signatures: [])
        }
        let huge = [UInt8](repeating: 0, count: SignedRelease.maximumByteCount + 1)
        #expect(throws: SignedReleaseError.tooLarge(huge.count)) { try SignedRelease(decoding: huge) }
        #expect(throws: SignedReleaseError.notASignedRelease) { try SignedRelease(decoding: document) }
    }

    @Test func `signatures of several people are collected one by one`() throws {
        let document = try sampleDocument()
        let signed = try SignedRelease(document, by: try sampleKey(1))
        let both = try signed.adding(try sampleKey(2).sign(document: signed.document))
        #expect(both.signatures.count == 2)
        #expect(both.digest == document.digest)
    }
}
