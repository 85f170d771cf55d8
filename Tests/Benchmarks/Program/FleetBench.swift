import ArgumentParser
import BenchmarkSubjects
import FoundationEssentials
import Glibc
import Hashing

/// Measures one subject and prints medians. scripts/bench runs it beside its peers.
@main
struct FleetBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-bench",
        abstract: "Measure one subject of Mirrorfleet.",
        discussion: "Subjects:\n"
            + Benchmark.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))

    @Argument(help: "The subject.")
    var subject: String

    @Option(help: "Bytes of input, with K, M or G for powers of 1,024.")
    var size: String?

    @Option(help: "Measured repetitions of each case.")
    var samples = 7

    @Option(help: "Run only the case of this name.")
    var only: String?

    @Option(help: "Read the input from this file instead of making it.")
    var input: String?

    @Option(help: "Write the input to this file and measure nothing.")
    var writeInput: String?

    @Option(help: "Of a subject with two ends: the address at which the other one listens.")
    var address = "127.0.0.1"

    @Option(help: "Words before the command of the other end, e.g. `ip netns exec x`.")
    var through: String?

    @Option(help: ArgumentHelp("Be the other end, with the certificates in this folder.", visibility: .hidden))
    var serve: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        guard let benchmark = Benchmark.all.first(where: { $0.name == subject }) else {
            throw ValidationError(
                "There is no subject \(subject). Subjects: \(Benchmark.all.map(\.name).joined(separator: ", ")).")
        }
        let bytes: [UInt8]
        if let input {
            bytes = [UInt8](try Data(contentsOf: URL(filePath: input)))
        } else {
            bytes = benchmarkInput(try size.map(Self.byteCount) ?? benchmark.usualSize)
        }
        if let writeInput {
            try Data(bytes).write(to: URL(filePath: writeInput))
            return
        }
        guard samples > 0 else { throw ValidationError("--samples has to be at least 1.") }
        let end = OtherEnd(command: benchmark.serve == nil ? nil : command(bytes.count), address: address)
        let options = BenchmarkOptions(input: bytes, samples: samples, only: only, otherEnd: end)
        if let serve { return try await answer(options, as: benchmark, serve) }
        let measurements = try await benchmark.run(options)
        guard !measurements.isEmpty else { throw ValidationError("\(subject) has no case \(only ?? "").") }
        if json {
            let report = Report(subject: subject, kernel: BLAKE3.kernelName, measurements: measurements)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        } else {
            print("\(subject), \(bytes.count) bytes, \(samples) samples, BLAKE3 kernel \(BLAKE3.kernelName)")
            for measurement in measurements {
                let rate = (measurement.rate * 100).rounded() / 100
                print("  \(measurement.name): \(rate) \(measurement.unit.rate.label), result \(measurement.result)")
            }
        }
    }

    /// The command of this program as the other end.
    private func command(_ byteCount: Int) -> [String] {
        var path = [UInt8](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &path, path.count)
        let program = String(decoding: path.prefix(max(count, 0)), as: UTF8.self)
        let words = (through ?? "").split(separator: " ").map(String.init)
        return words + [program, subject] + (input.map { ["--input", $0] } ?? ["--size", "\(byteCount)"])
    }

    /// Serves until standard input ends.
    private func answer(_ options: BenchmarkOptions, as benchmark: Benchmark, _ folder: String) async throws {
        guard let serve = benchmark.serve else { throw ValidationError("\(subject) has one end.") }
        let server = try await serve(options, folder, address)
        print(server.ports.map(String.init).joined(separator: " "))
        fflush(nil)
        while readLine() != nil {}
        await server.stop()
    }

    private struct Report: Encodable {
        let subject: String
        let kernel: String
        let measurements: [Measurement]
    }

    /// Bytes of a size like `64K`; at most 64 GiB.
    private static func byteCount(_ text: String) throws -> Int {
        let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30]
        let shift = text.last.flatMap { shifts[$0] }
        guard let number = Int(shift == nil ? text[...] : text.dropLast()), number > 0,
            number <= (64 << 30) >> (shift ?? 0)
        else { throw ValidationError("\(text) is not a size.") }
        return number << (shift ?? 0)
    }
}
