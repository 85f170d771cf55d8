import Hashing

extension Benchmark {
    /// BLAKE3 on buffers of several sizes, one by one, in batches and in parts, and the other algorithms.
    package static let hash = Benchmark(
        name: "hash", summary: "BLAKE3 one by one, in batches and incremental; SHA-2, SHA-3, XXH3",
        usualSize: 16 << 20, run: HashBenchmark.run)
}

private enum HashBenchmark {
    @Sendable static func run(_ options: BenchmarkOptions) -> [Measurement] {
        var measurements: [Measurement] = []
        options.input.withUnsafeBytes { input in
            oneByOne(input, options, &measurements)
            inBatches(input, options, &measurements)
            incremental(input, options, &measurements)
            kernels(input, options, &measurements)
            otherAlgorithms(input, options, &measurements)
        }
        return measurements
    }

    private static let sizes = [("4 KiB", 4 << 10), ("16 KiB", 16 << 10), ("64 KiB", 64 << 10)]

    private static func oneByOne(
        _ input: UnsafeRawBufferPointer, _ options: BenchmarkOptions, _ measurements: inout [Measurement]
    ) {
        for (label, size) in sizes + [("1 MiB", 1 << 20), ("whole", input.count)] {
            let buffers = parts(input, of: size)
            options.measure("blake3 \(label)", bytes: input.count, into: &measurements) {
                digest(of: buffers.map { BLAKE3.hash($0) })
            }
        }
    }

    /// As frames bring them: 1 MiB of small buffers at a time.
    private static func inBatches(
        _ input: UnsafeRawBufferPointer, _ options: BenchmarkOptions, _ measurements: inout [Measurement]
    ) {
        for (label, size) in sizes {
            let frames = parts(input, of: 1 << 20).map { parts($0, of: size) }
            options.measure("blake3 \(label) batch", bytes: input.count, into: &measurements) {
                digest(of: frames.flatMap { BLAKE3.hashMany($0) })
            }
        }
    }

    private static func incremental(
        _ input: UnsafeRawBufferPointer, _ options: BenchmarkOptions, _ measurements: inout [Measurement]
    ) {
        let buffers = parts(input, of: 256 << 10)
        options.measure("blake3 whole in 256 KiB", bytes: input.count, into: &measurements) {
            var hasher = BLAKE3.Hasher()
            for buffer in buffers { hasher.update(buffer) }
            return digest(of: [hasher.finalize()])
        }
    }

    /// What each kernel of this machine does; the cases above use the best one.
    private static func kernels(
        _ input: UnsafeRawBufferPointer, _ options: BenchmarkOptions, _ measurements: inout [Measurement]
    ) {
        let buffers = parts(input, of: 1 << 20)
        let frames = buffers.map { parts($0, of: 16 << 10) }
        for kernel in BLAKE3.Kernel.available {
            options.measure("blake3 1 MiB, \(kernel)", bytes: input.count, into: &measurements) {
                digest(of: buffers.map { BLAKE3.hash($0, kernel: kernel) })
            }
            options.measure("blake3 16 KiB batch, \(kernel)", bytes: input.count, into: &measurements) {
                digest(of: frames.flatMap { BLAKE3.hashMany($0, kernel: kernel) })
            }
        }
    }

    private static func otherAlgorithms(
        _ input: UnsafeRawBufferPointer, _ options: BenchmarkOptions, _ measurements: inout [Measurement]
    ) {
        for algorithm in HashAlgorithm.allCases where algorithm != .blake3 {
            let buffers = parts(input, of: 1 << 20)
            options.measure("\(algorithm.name) 1 MiB", bytes: input.count, into: &measurements) {
                BLAKE3.hash(buffers.flatMap { Digest.hash(algorithm, $0).bytes }).hex
            }
        }
    }

    /// The digest of all digests in a row.
    private static func digest(of digests: [BLAKE3Digest]) -> String {
        let row = [UInt8](unsafeUninitializedCapacity: 32 * digests.count) { buffer, count in
            count = 32 * digests.count
            guard let row = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
            for (index, digest) in digests.enumerated() { digest.write(to: row + 32 * index) }
        }
        return BLAKE3.hash(row).hex
    }

    private static func parts(_ input: UnsafeRawBufferPointer, of size: Int) -> [UnsafeRawBufferPointer] {
        stride(from: 0, to: input.count, by: max(size, 1)).map { start in
            UnsafeRawBufferPointer(rebasing: input[start..<min(input.count, start + size)])
        }
    }
}
