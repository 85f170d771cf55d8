import STOQTransport
import Synchronization

extension Benchmark {
    /// How long something small and urgent takes while a link is full of bulk.
    package static let urgent = Benchmark(
        name: "urgent", summary: "urgent answers of STOQ beside bulk that fills the link", usualSize: 64 << 20,
        asking: { try await UrgentBenchmark.run($0) },
        answering: { try await StreamServer.start($0, $1, $2) })
}

/// Asks for something small, again and again: on a link with nothing else, beside bulk on the same connection, and on a
/// connection of its own beside that bulk. A sample is one question and its answer.
private enum UrgentBenchmark {
    @concurrent static func run(_ options: BenchmarkOptions) async throws -> [Measurement] {
        try await StreamEnds.with(options) { ends in
            var measurements = try await ask("nothing else", on: ends.connection, ends, options)
            let bulk = BulkFlow()
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ends.receiveInRequests(checks: false) { bulk.next() } }
                await bulk.isFlowing()
                let (start, before) = (BenchmarkClock.wall.now, bulk.begun)
                measurements += try await ask("beside bulk", on: ends.connection, ends, options)
                measurements += try await ask("on another connection", on: ends.otherConnection, ends, options)
                let (seconds, requests) = (BenchmarkClock.wall.now - start, bulk.begun - before)
                measurements.append(
                    Measurement(
                        name: "the bulk", bytes: requests << 20, clock: .wall, seconds: [seconds],
                        result: "requests of 1 MiB"))
                bulk.end()
                try await group.waitForAll()
                return measurements
            }
        }
    }

    private static func ask(
        _ name: String, on connection: STOQConnection, _ ends: StreamEnds, _ options: BenchmarkOptions
    ) async throws -> [Measurement] {
        guard options.only == nil || options.only == name else { return [] }
        try await ends.askForNews(on: connection)
        var seconds: [Double] = []
        for _ in 0..<options.samples {
            let start = BenchmarkClock.wall.now
            try await ends.askForNews(on: connection)
            seconds.append(BenchmarkClock.wall.now - start)
        }
        return [
            Measurement(
                name: name, bytes: 1, unit: .operations, clock: .wall, seconds: seconds,
                result: "\(ends.content.news.count) bytes")
        ]
    }
}

/// Requests for bulk without an end, until it is said.
private final class BulkFlow: Sendable {
    private struct State {
        var next = 0
        var isOver = false
    }

    /// Requests that were begun when the link counts as full: many answers have come by then.
    private static let warmRequests = 2 * StreamEnds.requestsAtOnce

    private let state = Mutex(State())
    private let (flowing, flows) = AsyncStream<Void>.makeStream()

    /// The number of the next request; nil after the end.
    func next() -> Int? {
        let next = state.withLock { state -> Int? in
            guard !state.isOver else { return nil }
            defer { state.next += 1 }
            return state.next
        }
        if next == nil || next == Self.warmRequests { flows.finish() }
        return next
    }

    /// Requests so far. As many are always under way, so that as many more are answered as are begun.
    var begun: Int { state.withLock { $0.next } }

    /// Returns when the link is full.
    func isFlowing() async {
        for await _ in flowing {}
    }

    func end() {
        state.withLock { $0.isOver = true }
        flows.finish()
    }
}
