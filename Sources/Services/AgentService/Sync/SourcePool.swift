import FleetCertificates
import FleetModel
import STOQ
import STOQTransport
import Synchronization

/// The sources of one sync: connections to them, what each delivered, and which are given up.
///
/// The endpoint's pool shares connections; this only remembers what this sync thinks of each source.
final class SourcePool: Sendable {
    /// Attempts at a source that does not answer before this sync gives it up.
    private static let attemptLimit = 3
    private static let firstPause = Duration.milliseconds(200)
    /// How long a source may bring nothing before another one is asked as well.
    private static let patience = Duration.seconds(2)
    /// The same when one has been waited for already.
    private static let furtherPatience = Duration.milliseconds(300)

    private struct State {
        var received: [String: UInt64] = [:]
        var lastReceived: [String: ContinuousClock.Instant] = [:]
        var failures: [String: Int] = [:]
        /// How often another source had to be asked, and answered first.
        var overtaken: [String: Int] = [:]
        var isGivenUp: Set<String> = []
        var roundTrips: UInt64 = 0
    }

    let sources: [PlanSource]
    private let endpoint: STOQEndpoint
    private let state = Mutex(State())

    init(sources: [PlanSource], endpoint: STOQEndpoint) {
        self.sources = sources
        self.endpoint = endpoint
    }

    /// Bytes of answers, by source.
    var bytesBySource: [String: UInt64] { state.withLock { $0.received } }

    /// Requests that were waited for, one after the other, before chunks were known.
    var roundTrips: UInt64 { state.withLock { $0.roundTrips } }

    /// Opens a stream to `source` with `request`.
    func open(_ request: STOQRequest, at source: PlanSource) async throws -> STOQStream {
        try await connection(to: source).open(request, kind: request.streamKind)
    }

    /// A connection to `source`. Others may wait for the same one, so cancelling the task ends only the wait for it.
    func connection(to source: PlanSource) async throws -> STOQConnection {
        let (made, waiter) = AsyncThrowingStream<STOQConnection, any Error>.makeStream()
        Task { [endpoint] in
            do {
                waiter.yield(
                    try await endpoint.connection(
                        to: source.name, role: nil, host: source.address.host, port: source.address.port))
                waiter.finish()
            } catch {
                waiter.finish(throwing: error)
            }
        }
        for try await connection in made { return connection }
        throw CancellationError()
    }

    /// Takes note of an answer of `bytes` bytes.
    func received(_ bytes: Int, from source: String) {
        state.withLock { state in
            state.received[source, default: 0] += UInt64(bytes)
            state.lastReceived[source] = .now
            state.failures[source] = 0
        }
    }

    /// Takes note of a request that failed. The pause before the next one at this source; nil: it is given up.
    func failed(_ source: PlanSource) -> Duration? {
        state.withLock { state in
            state.failures[source.name, default: 0] += 1
            let failures = state.failures[source.name] ?? 0
            if failures >= Self.attemptLimit {
                state.isGivenUp.insert(source.name)
                return nil
            }
            // Not all at once again, when one fault has hit many requests.
            return Self.firstPause * (1 << failures) * Double.random(in: 0.7...1.0)
        }
    }

    /// Asks `source` for nothing any more.
    func giveUp(_ source: String) {
        state.withLock { _ = $0.isGivenUp.insert(source) }
    }

    /// Whether `source` may be asked.
    func isUsable(_ source: PlanSource) -> Bool {
        state.withLock { !$0.isGivenUp.contains(source.name) }
    }

    // MARK: Asking one after the other

    private enum Event<Value: Sendable>: Sendable {
        case answered(PlanSource, Value)
        case failed(PlanSource, any Error)
        /// The attempt of this number has brought nothing for a while.
        case stalled(attempt: Int)
    }

    /// Runs `body` at one source after the other until it succeeds; counts one round trip. While a source brings
    /// nothing, the next one is asked as well: the first answer counts, so `body` may run at several sources at once.
    ///
    /// Throws ``SyncError/noSource(set:reasons:)`` if no source could help, or ``SyncError/untrusted(_:)`` if each of
    /// them has only what is not trusted.
    func fromAny<Value: Sendable>(
        set: String, _ body: @escaping @Sendable (PlanSource) async throws -> Value
    ) async throws -> Value {
        state.withLock { $0.roundTrips += 1 }
        return try await withThrowingTaskGroup(of: Event<Value>.self) { group in
            var waiting = inOrder[...]
            var running: [PlanSource] = []
            var started = 0
            var failures: [(source: PlanSource, error: any Error)] = []
            func startNext() {
                guard let source = waiting.popFirst() else { return }
                started += 1
                running.append(source)
                let (attempt, patience) = (started, started == 1 ? Self.patience : Self.furtherPatience)
                group.addTask {
                    do {
                        return .answered(source, try await body(source))
                    } catch {
                        return .failed(source, error)
                    }
                }
                group.addTask {
                    await self.waitForStall(of: source, patience)
                    return .stalled(attempt: attempt)
                }
            }
            defer { group.cancelAll() }
            startNext()
            while !running.isEmpty, let event = try await group.next() {
                switch event {
                case .answered(let source, let value):
                    noteOvertaken(running.prefix { $0 != source })
                    return value
                case .failed(let source, let error):
                    if error is CancellationError || !SyncError.blames(error) { throw error }
                    if !Self.isRefusal(error) { _ = failed(source) }
                    failures.append((source, error))
                    running.removeAll { $0 == source }
                    startNext()
                case .stalled(let attempt):
                    if attempt == started { startNext() }
                }
            }
            try Task.checkCancellation()
            throw Self.failure(failures, set: set)
        }
    }

    /// Usable sources: those that were overtaken least first, else in the order of the plan.
    private var inOrder: [PlanSource] {
        state.withLock { state in
            sources.enumerated().filter { !state.isGivenUp.contains($0.element.name) }
                .map { (overtaken: state.overtaken[$0.element.name] ?? 0, index: $0.offset, source: $0.element) }
                .sorted { ($0.overtaken, $0.index) < ($1.overtaken, $1.index) }
                .map(\.source)
        }
    }

    private func noteOvertaken(_ sources: ArraySlice<PlanSource>) {
        state.withLock { state in
            for source in sources { state.overtaken[source.name, default: 0] += 1 }
        }
    }

    /// Returns when `source` has brought nothing for `patience`, or the task is cancelled.
    private func waitForStall(of source: PlanSource, _ patience: Duration) async {
        var since = ContinuousClock.now
        while !Task.isCancelled {
            guard (try? await Task.sleep(until: since + patience)) != nil else { return }
            let last = state.withLock { $0.lastReceived[source.name] } ?? since
            guard last > since else { return }
            since = last
        }
    }

    private static func failure(_ failures: [(source: PlanSource, error: any Error)], set: String) -> SyncError {
        let refusals = failures.compactMap { failure -> SyncError? in
            guard case .untrusted? = failure.error as? SyncError else { return nil }
            return failure.error as? SyncError
        }
        if let refusal = refusals.last, refusals.count == failures.count { return refusal }
        return .noSource(set: set, reasons: failures.map { "\($0.source.name): \($0.error)" })
    }

    /// Whether a source said in good order that it does not have, or does not know, what was asked: no reason to think
    /// less of it.
    private static func isRefusal(_ error: any Error) -> Bool {
        if case .absent? = error as? SyncError { return true }
        guard let error = error as? STOQError, error.origin == .peer else { return false }
        return error.code == .notFound || error.code == .unsupported
    }
}
