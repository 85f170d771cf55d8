import Content
import Hashing

extension Benchmark {
    /// Boundaries of one blob by FastCDC, without hashing or copying its chunks.
    package static let chunking = Benchmark(
        name: "cdc", summary: "FastCDC boundaries, each profile", usualSize: 64 << 20, run: ChunkingBenchmark.run)
}

private enum ChunkingBenchmark {
    @Sendable static func run(_ options: BenchmarkOptions) -> [Measurement] {
        var measurements: [Measurement] = []
        options.input.withUnsafeBytes { input in
            for profile in ChunkProfile.all {
                let others = FastCDC.Kernel.available.filter { $0 != .best }.map { (", \($0)", $0) }
                for (suffix, kernel) in [("", .best)] + others {
                    let cutter = FastCDC(profile: profile, kernel: kernel)
                    options.measure("fastcdc \(profile.name)\(suffix)", bytes: input.count, into: &measurements) {
                        let lengths = cutter.boundaries(input)
                        return "\(lengths.count) chunks, "
                            + BLAKE3.hash(lengths.flatMap { Array("\($0)\n".utf8) }).hex.prefix(16)
                    }
                }
            }
        }
        return measurements
    }
}
