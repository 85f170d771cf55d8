import FoundationEssentials
import Hashing
import Testing

/// The official test vectors, from https://github.com/BLAKE3-team/BLAKE3 (test_vectors/test_vectors.json at commit
/// 77b257e, released by its authors under CC0 1.0).
struct OfficialVectors: Decodable {
    var key: String
    var contextString: String
    var cases: [Case]

    struct Case: Decodable {
        var inputLength: Int
        var hash: String
        var keyedHash: String
        var deriveKey: String

        enum CodingKeys: String, CodingKey {
            case inputLength = "input_len"
            case hash
            case keyedHash = "keyed_hash"
            case deriveKey = "derive_key"
        }

        /// 0, 1, ... 250, 0, 1, ...
        var input: [UInt8] { (0..<inputLength).map { UInt8($0 % 251) } }
    }

    enum CodingKeys: String, CodingKey {
        case key
        case contextString = "context_string"
        case cases
    }

    static func load() throws -> OfficialVectors {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let data = try Data(contentsOf: URL(filePath: "/" + folder + "/Fixtures/blake3-test-vectors.json"))
        return try JSONDecoder().decode(OfficialVectors.self, from: data)
    }
}

@Suite struct BLAKE3VectorTests {
    private static let context: StaticString = "BLAKE3 2019-12-27 16:29:52 test vectors context"

    @Test func `this machine offers the portable kernel and uses its last one`() {
        let kernels = BLAKE3.Kernel.available
        print("kernels of this machine: \(kernels.map(\.rawValue).joined(separator: " "))")
        #expect(kernels.first == .portable)
        #expect(kernels.last == .best)
        #expect(BLAKE3.kernelName == BLAKE3.Kernel.best.rawValue)
    }

    @Test(arguments: BLAKE3.Kernel.available)
    func `the official vectors hold for whole buffers in all three modes`(kernel: BLAKE3.Kernel) throws {
        let vectors = try OfficialVectors.load()
        #expect(vectors.cases.count == 35)
        #expect(vectors.contextString == "\(Self.context)")
        let keyed = try BLAKE3Mode(key: Array(vectors.key.utf8))
        let derived = BLAKE3Mode(derivingWith: Self.context)
        for vector in vectors.cases {
            vector.input.withUnsafeBytes { input in
                let digests = [BLAKE3Mode(), keyed, derived].map { $0.hash(input, kernel: kernel).hex }
                let expected = [vector.hash, vector.keyedHash, vector.deriveKey].map { String($0.prefix(64)) }
                #expect(digests == expected, "\(input.count) bytes")
            }
        }
    }

    @Test(arguments: BLAKE3.Kernel.available)
    func `the official vectors hold for all buffers in one batch`(kernel: BLAKE3.Kernel) throws {
        let vectors = try OfficialVectors.load()
        let keyed = try BLAKE3Mode(key: Array(vectors.key.utf8))
        let derived = BLAKE3Mode(derivingWith: Self.context)
        let inputs = vectors.cases.map { $0.input }
        let expected: [[String]] = [
            vectors.cases.map(\.hash), vectors.cases.map(\.keyedHash), vectors.cases.map(\.deriveKey),
        ]
        withBuffers(inputs) { buffers in
            for (mode, expected) in zip([BLAKE3Mode(), keyed, derived], expected) {
                let digests = mode.hashMany(buffers, kernel: kernel).map(\.hex)
                #expect(digests == expected.map { String($0.prefix(64)) })
            }
        }
    }

    @Test(arguments: BLAKE3.Kernel.available, [1, 3, 63, 64, 65, 511, 1023, 1024, 1025, 2047, 4096, 5000, 70_000])
    func `the official vectors hold for parts of any size, with all of their extended output`(
        kernel: BLAKE3.Kernel, part: Int
    ) throws {
        let vectors = try OfficialVectors.load()
        let keyed = try BLAKE3Mode(key: Array(vectors.key.utf8))
        let derived = BLAKE3Mode(derivingWith: Self.context)
        for vector in vectors.cases {
            let input = vector.input
            let expected = [(BLAKE3Mode(), vector.hash), (keyed, vector.keyedHash), (derived, vector.deriveKey)]
            for (mode, expected) in expected {
                var hasher = BLAKE3.Hasher(mode: mode, kernel: kernel)
                for start in stride(from: 0, to: input.count, by: part) {
                    hasher.update(Array(input[start..<min(input.count, start + part)]))
                }
                #expect(hasher.finalize().hex == expected.prefix(64), "\(input.count) bytes in parts of \(part)")
                let output = hasher.extendedOutput(expected.utf8.count / 2)
                #expect(hexadecimal(output) == expected, "\(input.count) bytes in parts of \(part)")
            }
        }
    }

    @Test func `the plain functions and contexts compute what the official vectors say`() throws {
        let vectors = try OfficialVectors.load()
        let key = Array(vectors.key.utf8)
        let context = BLAKE3Context(Self.context)
        for vector in vectors.cases {
            let input = vector.input
            #expect(BLAKE3.hash(input).hex == vector.hash.prefix(64))
            #expect(BLAKE3.hash(input.span.bytes).hex == vector.hash.prefix(64))
            #expect(try BLAKE3.keyedHash(key: key, input).hex == vector.keyedHash.prefix(64))
            #expect(context.hash(input).hex == vector.deriveKey.prefix(64))
            #expect(context.hash(input.span.bytes).hex == vector.deriveKey.prefix(64))
            var hasher = BLAKE3.Hasher(derivingWith: context)
            hasher.update(input)
            #expect(hasher.finalize().hex == vector.deriveKey.prefix(64))
        }
        let inputs = vectors.cases.map { $0.input }
        withBuffers(inputs) { buffers in
            #expect(BLAKE3.hashMany(buffers).map(\.hex) == vectors.cases.map { String($0.hash.prefix(64)) })
            #expect(context.hashMany(buffers).map(\.hex) == vectors.cases.map { String($0.deriveKey.prefix(64)) })
        }
    }

    @Test(arguments: [0, 31, 33, 64]) func `a key that has not 32 bytes is refused`(count: Int) {
        let error = #expect(throws: BLAKE3KeyError.self) {
            try BLAKE3.keyedHash(key: [UInt8](repeating: 1, count: count), [])
        }
        #expect(error?.byteCount == count)
    }
}
