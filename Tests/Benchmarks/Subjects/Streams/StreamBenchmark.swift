import Synchronization

extension Benchmark {
    /// STOQ from memory to memory, and its peer.
    package static let stoq = Benchmark(
        name: "stoq", summary: "STOQ from memory to memory, and NIO with TLS alone", usualSize: 64 << 20,
        asking: { try await StreamBenchmark.run($0) },
        answering: { try await StreamServer.start($0, $1, $2) })
}

/// Brings the input over and over from one end to the other. No file is read or written.
private enum StreamBenchmark {
    /// How often a sample takes the input: with the usual size, a gibibyte in all.
    private static let passes = 16

    @concurrent static func run(_ options: BenchmarkOptions) async throws -> [Measurement] {
        try await StreamEnds.with(options) { ends in
            let chunks = passes * ends.content.digests.count
            let bytes = passes * options.input.count
            return try await measure("one stream", bytes, ends, options) {
                try await ends.receive(0..<chunks, checks: $0)
            }
                + measure("requests of 1 MiB", bytes, ends, options) { checks in
                    let next = Mutex(0)
                    try await ends.receiveInRequests(checks: checks) {
                        next.withLock { next in
                            guard next < chunks / StreamEnds.chunksInRequest else { return nil }
                            defer { next += 1 }
                            return next
                        }
                    }
                }
                + measure("NIO alone", bytes, ends, options) { try await ends.receiveBare(bytes, checks: $0) }
        }
    }

    /// Runs `body` once with checks and then with both clocks.
    private static func measure(
        _ name: String, _ bytes: Int, _ ends: StreamEnds, _ options: BenchmarkOptions,
        _ body: (_ checks: Bool) async throws -> Void
    ) async throws -> [Measurement] {
        let names: [(String, BenchmarkClock)] = [(name, .wall), ("\(name), CPU", .processes)]
        guard options.only == nil || names.contains(where: { $0.0 == options.only }) else { return [] }
        try await body(true)
        var seconds: [BenchmarkClock: [Double]] = [:]
        for _ in 0..<options.samples {
            let (wall, cpu) = (BenchmarkClock.wall.now, ends.clock.now)
            try await body(false)
            seconds[.wall, default: []].append(BenchmarkClock.wall.now - wall)
            seconds[.processes, default: []].append(ends.clock.now - cpu)
        }
        return names.filter { options.only == nil || $0.0 == options.only }.map { name, clock in
            Measurement(name: name, bytes: bytes, clock: clock, seconds: seconds[clock] ?? [], result: "\(bytes) bytes")
        }
    }
}
