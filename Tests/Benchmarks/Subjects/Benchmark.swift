import Glibc

/// A subject that `fleet-bench` measures: its own file, and a place in `all`.
package struct Benchmark: Sendable {
    /// The word on the command line, and the name of the file in Tests/Benchmarks/Peers.
    package let name: String
    /// One line for the help.
    package let summary: String
    /// Bytes of input when nothing else is asked for.
    package let usualSize: Int
    /// Measures the cases that the options select.
    package let run: @Sendable (BenchmarkOptions) async throws -> [Measurement]
    /// Of a subject with two ends: the end that answers, with the certificates in a folder, at an address.
    package let serve:
        (@Sendable (BenchmarkOptions, _ folder: String, _ address: String) async throws -> BenchmarkServer)?

    /// A subject that works alone, on one thread.
    init(
        name: String, summary: String, usualSize: Int,
        run: @escaping @Sendable (BenchmarkOptions) throws -> [Measurement]
    ) {
        self.name = name
        self.summary = summary
        self.usualSize = usualSize
        self.run = { options in try run(options) }
        serve = nil
    }

    /// A subject with two ends.
    init(
        name: String, summary: String, usualSize: Int,
        asking: @escaping @Sendable (BenchmarkOptions) async throws -> [Measurement],
        answering: @escaping @Sendable (BenchmarkOptions, String, String) async throws -> BenchmarkServer
    ) {
        self.name = name
        self.summary = summary
        self.usualSize = usualSize
        run = asking
        serve = answering
    }

    /// Every subject, in the order of the documentation.
    package static let all = [hash, chunking, index, trust, stoq, urgent]
}

/// What to measure, and on what.
package struct BenchmarkOptions: Sendable {
    /// The input; subjects use all of it.
    package var input: [UInt8]
    /// Measured repetitions of each case; one more is run before and not counted.
    package var samples: Int
    /// The name of the only case to run; nil for all.
    package var only: String?
    /// Of a subject with two ends: where the other one is.
    package var otherEnd: OtherEnd

    package init(input: [UInt8], samples: Int, only: String? = nil, otherEnd: OtherEnd = OtherEnd()) {
        self.input = input
        self.samples = samples
        self.only = only
        self.otherEnd = otherEnd
    }

    /// Runs `body` once to warm up and `samples` times with the clock, unless another case was asked for. `body`
    /// returns what it computed, in a form that a test or a peer can compare.
    package func measure(
        _ name: String, bytes: Int, by clock: BenchmarkClock = .cpu, unit: BenchmarkUnit = .bytes,
        into measurements: inout [Measurement],
        _ body: () throws -> String
    ) rethrows {
        if let only, only != name { return }
        let result = try body()
        var seconds: [Double] = []
        for _ in 0..<samples {
            let start = clock.now
            let again = try body()
            seconds.append(clock.now - start)
            precondition(again == result, "\(name) gave \(result), then \(again)")
        }
        measurements.append(
            Measurement(name: name, bytes: bytes, unit: unit, clock: clock, seconds: seconds, result: result))
    }
}

/// What a sample's duration is.
package enum BenchmarkClock: String, Codable, Sendable {
    /// CPU time of the calling thread, for work of one thread that waits for nothing: other work on the machine hardly
    /// changes it.
    case cpu
    /// Time that passes, for all other work.
    case wall
    /// CPU time of all threads of the processes that take part.
    case processes

    /// Seconds since some moment; of `processes` those of this one.
    var now: Double {
        var time = timespec()
        let clock =
            switch self {
            case .cpu: CLOCK_THREAD_CPUTIME_ID
            case .wall: CLOCK_MONOTONIC
            case .processes: CLOCK_PROCESS_CPUTIME_ID
            }
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// What `Measurement.bytes` counts.
package enum BenchmarkUnit: String, Codable, Sendable {
    case bytes, entries, operations

    /// How a rate is told, and what it is divided by for that.
    package var rate: (label: String, divisor: Double) {
        switch self {
        case .bytes: ("GB/s", 1e9)
        case .entries: ("M/s", 1e6)
        case .operations: ("/s", 1)
        }
    }
}

/// The samples of one case.
package struct Measurement: Codable, Sendable {
    /// The name of the case; the same one in the file of the peers.
    package let name: String
    /// Bytes, or whatever `unit` says, taken in by one sample.
    package let bytes: Int
    package let unit: BenchmarkUnit
    /// What `seconds` are; the peers use the same.
    package let clock: BenchmarkClock
    /// One duration for each sample.
    package let seconds: [Double]
    /// What was computed, shortened to a digest.
    package let result: String

    package init(
        name: String, bytes: Int, unit: BenchmarkUnit = .bytes, clock: BenchmarkClock, seconds: [Double],
        result: String
    ) {
        self.name = name
        self.bytes = bytes
        self.unit = unit
        self.clock = clock
        self.seconds = seconds
        self.result = result
    }

    /// The middle sample; the lower one of two.
    package var median: Double {
        seconds.isEmpty ? .nan : seconds.sorted()[(seconds.count - 1) / 2]
    }

    /// 10^9 bytes, 10^6 entries or one operation a second, by the median.
    package var rate: Double { Double(bytes) / median / unit.rate.divisor }
}

/// The input of all subjects: SplitMix64 from seed 1 as little-endian words, so that it has no pattern at all and can be
/// made again anywhere.
package func benchmarkInput(_ count: Int) -> [UInt8] {
    let words = (count + 7) / 8
    var state: UInt64 = 1
    var input = [UInt8](unsafeUninitializedCapacity: words * 8) { buffer, initialized in
        let raw = UnsafeMutableRawBufferPointer(buffer)
        for word in 0..<words {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            raw.storeBytes(of: (z ^ (z >> 31)).littleEndian, toByteOffset: word * 8, as: UInt64.self)
        }
        initialized = words * 8
    }
    input.removeLast(words * 8 - count)
    return input
}
