import Crypto
import Hashing
import SigningKeys
import TestSupport
import Testing
import UpdateFramework

@Suite struct KeyTests {
    @Test func `the vector of the draft verifies, with and without a context`() throws {
        let vector = try FormatFixture("mldsa65-ed25519.txt")
        let key = try #require(MLDSA65Ed25519VerifyingKey(bytes: try vector.bytes("public")))
        let message = try vector.bytes("message")
        let context = try vector.bytes("context")
        let signature = try vector.bytes("signature")
        #expect(key.isValid(signature, for: message))
        #expect(key.isValid(try vector.bytes("signature-with-context"), for: message, context: context))
        #expect(!key.isValid(signature, for: message, context: context))
        #expect(!key.isValid(signature, for: message + [0]))
    }

    @Test func `the seeds of the vector make its public key, and what they sign verifies`() throws {
        let vector = try FormatFixture("mldsa65-ed25519.txt")
        let signing = try #require(HybridSigningKey(seed: try vector.bytes("seeds")))
        guard case .object(let value)? = signing.key.object["keyval"] else {
            throw FormatFixture.Failure.noFile("keyval")
        }
        #expect(value["public"] == .text(try vector.text("public")))
        let key = try #require(signing.key.verifying)
        let signature = try signing.sign([1, 2, 3])
        #expect(signature.count == MLDSA65Ed25519Scheme.signatureByteCount)
        #expect(key.isValid(signature, for: [1, 2, 3]))
        #expect(!"\(signing)".contains(String(try vector.text("seeds").prefix(16))))
    }

    @Test func `a flipped bit in either half is refused, and so is a half alone`() throws {
        let vector = try FormatFixture("mldsa65-ed25519.txt")
        let key = try #require(MLDSA65Ed25519VerifyingKey(bytes: try vector.bytes("public")))
        let message = try vector.bytes("message")
        let signature = try vector.bytes("signature")
        for index in [0, 100, 3_308, 3_309, 3_340, 3_372] {
            var changed = signature
            changed[index] ^= 1
            #expect(!key.isValid(changed, for: message), "byte \(index)")
        }
        for bytes in [[], Array(signature.prefix(3_309)), Array(signature.suffix(64)), signature + [0]] {
            #expect(!key.isValid(bytes, for: message))
        }
    }

    @Test func `the halves are not usable apart: neither signs the bare message`() throws {
        let signing = try #require(HybridSigningKey(seed: [UInt8](repeating: 5, count: 64)))
        guard case .object(let value)? = signing.key.object["keyval"], case .string(let text)? = value["public"],
            let bytes = Hexadecimal.bytes(text)
        else { throw FormatFixture.Failure.noFile("keyval") }
        let curve = try Curve25519.Signing.PublicKey(rawRepresentation: bytes.suffix(32))
        #expect(!curve.isValidSignature(try signing.sign([7]).suffix(64), for: [7] as [UInt8]))
    }

    @Test(arguments: [0, 31, 33, 64, 1_983, 1_985])
    func `a key of another length is none`(count: Int) {
        let text = Hexadecimal.letters([UInt8](repeating: 1, count: count))
        #expect(Ed25519Scheme().verifyingKey(publicText: text) == nil)
        #expect(MLDSA65Ed25519Scheme().verifyingKey(publicText: text) == nil)
        #expect(HybridSigningKey(seed: [UInt8](repeating: 1, count: min(count, 63))) == nil)
    }

    @Test func `the id is the hash of the canonical key, as others compute it`() throws {
        // By python-tuf 7.0.1: the key id that SSlibKey of securesystemslib 1.6.0 has for this public key.
        let seed = [UInt8](repeating: 1, count: 32)
        let key = try #require(Ed25519SigningKey(seed: seed)).key
        #expect(
            String(decoding: key.id.bytes, as: UTF8.self)
                == "7ab6b86cb2c9684b0ddc10896153aa2595decf4d4327a5ff1a8ab7422c828b12")
    }
}
