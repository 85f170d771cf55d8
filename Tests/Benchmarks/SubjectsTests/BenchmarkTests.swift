import BenchmarkSubjects
import Testing

/// Every benchmark runs here on a small input, so that none rots, and has to compute what it always did.
@Suite struct BenchmarkTests {
    @Test func `the input is the same on every machine`() {
        #expect(benchmarkInput(11) == [0xc1, 0x5c, 0x02, 0x89, 0xec, 0x2d, 0x0a, 0x91, 0x67, 0xec, 0x8e])
        #expect(benchmarkInput(0) == [])
    }

    @Test func `hashing computes what it always did`() async throws {
        let results = try await Self.results(.hash, bytes: 200_000)
        let once = [
            "blake3 4 KiB": "48401a06034900094704e4899f2", "blake3 16 KiB": "d039f33335d40c19f11209f724b",
            "blake3 64 KiB": "f72e27e7d5014091064ca95d78e", "blake3 1 MiB": "4f0fb94333e30c6de817c3f4b17",
            "blake3 whole": "4f0fb94333e30c6de817c3f4b17", "sha256 1 MiB": "c6a232cb7a7a871fd74fda9c0a3",
            "sha512 1 MiB": "3aa06273e761bf5ea2c86cde496", "sha3-256 1 MiB": "1e1802575558623175342681503",
            "xxh3-128 1 MiB": "19f45be7bcf428811bbfe7dc5f8",
        ]
        #expect(results.filter { once[$0.key] != nil } == once)
        Self.expectKernelsAgree(results)
        #expect(results["blake3 4 KiB batch"] == results["blake3 4 KiB"])
        #expect(results["blake3 16 KiB batch"] == results["blake3 16 KiB"])
        #expect(results["blake3 64 KiB batch"] == results["blake3 64 KiB"])
        #expect(results["blake3 whole in 256 KiB"] == results["blake3 whole"])
    }

    @Test func `chunking computes what it always did`() async throws {
        let results = try await Self.results(.chunking, bytes: 1_500_000)
        let once = ["fastcdc default": "4 chunks, 219a3292b504c33b", "fastcdc images": "20 chunks, 864e82ab67eada3e"]
        #expect(results.filter { once[$0.key] != nil } == once)
        Self.expectKernelsAgree(results)
    }

    @Test func `the chunk index finds what was inserted and nothing else`() async throws {
        let options = BenchmarkOptions(input: benchmarkInput(32 * 25_000), samples: 1)
        let results = try await Benchmark.index.run(options)
        #expect(results.map(\.result) == ["25000 entries", "25000 found", "0 found"])
        #expect(results.allSatisfy { $0.bytes == 25_000 && $0.unit == .entries })
    }

    @Test func `the chain to a release is verified, and a document signed`() async throws {
        let options = BenchmarkOptions(input: benchmarkInput(1_000), samples: 1)
        #expect(try await Benchmark.trust.run(options).map(\.result) == ["3 roles", "3373 bytes"])
    }

    @Test func `content comes whole over STOQ and over its peer, and urgent answers beside it`() async throws {
        let options = BenchmarkOptions(input: benchmarkInput(1_300_000), samples: 1)
        let streams = try await Benchmark.stoq.run(options)
        #expect(Set(streams.map(\.name)).count == 6)
        #expect(streams.allSatisfy { $0.bytes == 16 * 1_300_000 && $0.seconds.count == 1 && $0.seconds[0] > 0 })
        let urgent = try await Benchmark.urgent.run(options)
        #expect(urgent.map(\.name) == ["nothing else", "beside bulk", "on another connection", "the bulk"])
        #expect(urgent.dropLast().allSatisfy { $0.result == "4096 bytes" && $0.unit == .operations })
    }

    @Test func `one case can be asked for by its name`() async throws {
        let options = BenchmarkOptions(input: benchmarkInput(1000), samples: 3, only: "sha256 1 MiB")
        let measurements = try await Benchmark.hash.run(options)
        #expect(measurements.map(\.name) == ["sha256 1 MiB"])
        #expect(measurements.first?.seconds.count == 3)
        #expect(try await Benchmark.hash.run(BenchmarkOptions(input: [1], samples: 1, only: "no such case")).isEmpty)
    }

    @Test func `the median is the middle sample`() {
        let measurement = Measurement(name: "", bytes: 2_000_000_000, clock: .wall, seconds: [9, 1, 2, 4], result: "")
        #expect(measurement.median == 2)
        #expect(measurement.rate == 1)
    }

    /// A case that names a kernel behind its name has the result of the case without.
    private static func expectKernelsAgree(_ results: [String: String]) {
        for (name, result) in results.sorted(by: { $0.key < $1.key }) where name.contains(", ") {
            #expect(result == results[String(name.prefix { $0 != "," })], "\(name)")
        }
    }

    /// Results by the name of the case, shortened.
    private static func results(_ benchmark: Benchmark, bytes: Int) async throws -> [String: String] {
        let measurements = try await benchmark.run(BenchmarkOptions(input: benchmarkInput(bytes), samples: 1))
        #expect(Set(measurements.map(\.name)).count == measurements.count)
        #expect(measurements.allSatisfy { $0.bytes == bytes && $0.seconds.count == 1 })
        return Dictionary(uniqueKeysWithValues: measurements.map { ($0.name, String($0.result.prefix(27))) })
    }
}
