import Hashing
import Testing
import TestSupport

@Suite struct DigestTests {
    /// Of FIPS 180-4 and 202 (NIST's examples), libxxhash's own sanity checks, and BLAKE3's vectors.
    private static let known: [(HashAlgorithm, String, String)] = [
        (.blake3, "", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        (.blake3, "abc", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
        (.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            .sha512, "",
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                + "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
        ),
        (
            .sha512, "abc",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (.sha3_256, "", "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"),
        (.sha3_256, "abc", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
        (.xxh3_128, "", "99aa06d3014798d86001c324468d497f"),
        (.xxh3_128, "abc", "06b05ab6733a618578af5f94892f3950"),
    ]

    @Test func `every algorithm gives the digests of its specification`() {
        for (algorithm, text, expected) in Self.known {
            let digest = Digest.hash(algorithm, Array(text.utf8))
            #expect(digest.hex == expected, "\(algorithm.name) of \"\(text)\"")
            #expect(digest.bytes.count == algorithm.byteCount)
        }
        #expect(Set(Self.known.map(\.0)) == Set(HashAlgorithm.allCases))
    }

    @Test(arguments: HashAlgorithm.allCases)
    func `parts of any size give the digest of the whole`(algorithm: HashAlgorithm) {
        var random = SplitMix64(test: "parts, \(algorithm.name)", fallback: 5)
        for _ in 0..<40 {
            let input = random.bytes(random.length(below: 15))
            var hasher = DigestHasher(algorithm)
            var start = 0
            while start < input.count {
                let end = min(input.count, start + random.length(below: 13))
                hasher.update(Array(input[start..<end]))
                start = end
            }
            #expect(hasher.finalize() == Digest.hash(algorithm, input), "\(input.count) bytes")
        }
    }

    @Test(arguments: HashAlgorithm.allCases)
    func `a copy of a hasher goes on by itself`(algorithm: HashAlgorithm) {
        var one = DigestHasher(algorithm)
        one.update([1, 2, 3])
        var other = one
        other.update([4])
        #expect(one.finalize() == Digest.hash(algorithm, [1, 2, 3]))
        #expect(other.finalize() == Digest.hash(algorithm, [1, 2, 3, 4]))
        #expect(other.finalize() == other.finalize())
    }

    @Test func `the numbers, names and lengths of the algorithms are those of the format`() {
        let table = HashAlgorithm.allCases.map { "\($0.rawValue) \($0.name) \($0.byteCount)" }
        #expect(table == ["1 blake3 32", "2 sha256 32", "3 sha512 64", "4 sha3-256 32", "5 xxh3-128 16"])
        for algorithm in HashAlgorithm.allCases {
            #expect(HashAlgorithm(name: algorithm.name) == algorithm)
        }
        for name in ["", "SHA256", "sha-256", "md5", "sha3_256"] { #expect(HashAlgorithm(name: name) == nil) }
        #expect(HashAlgorithm(rawValue: 0) == nil)
        #expect(HashAlgorithm.allCases.filter { !$0.isCryptographic } == [.xxh3_128])
    }

    @Test func `the text of a digest reads back, and nothing else reads`() {
        for algorithm in HashAlgorithm.allCases {
            let digest = Digest.hash(algorithm, [7])
            #expect(digest.description == "\(algorithm.name):\(digest.hex)")
            #expect(Digest(digest.description) == digest)
        }
        let hex = BLAKE3.hash([UInt8]()).hex
        #expect(Digest("blake3:" + hex) == Digest(BLAKE3.hash([UInt8]())))
        for text in ["", ":", hex, "blake3:", "blake3" + hex, "md5:" + hex, "sha512:" + hex, "blake3:" + hex + "00"] {
            #expect(Digest(text) == nil, "\(text)")
        }
        #expect(Digest("blake3:" + hex.uppercased()) == nil)
    }

    @Test func `a digest of the wrong length is refused`() {
        for algorithm in HashAlgorithm.allCases {
            for count in 0...65 {
                let digest = Digest(algorithm, [UInt8](repeating: 1, count: count))
                #expect((digest != nil) == (count == algorithm.byteCount))
            }
        }
    }

    @Test func `digests are ordered by the algorithm's number, then bytewise`() throws {
        let low = try #require(Digest(.sha512, [UInt8](repeating: 0, count: 64)))
        let high = try #require(Digest(.sha256, [UInt8](repeating: 0xff, count: 32)))
        #expect(high < low)
        #expect(!(low < high))
        let less = try #require(Digest(.sha256, [UInt8](repeating: 0x7f, count: 32)))
        #expect(less < high)
        #expect(!(high < less))
    }
}
