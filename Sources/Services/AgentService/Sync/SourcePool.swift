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

    private struct State {
        var received: [String: UInt64] = [:]
        var failures: [String: Int] = [:]
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
    func open(_ request: STOQRequest, kind: StreamKind, at source: PlanSource) async throws -> STOQStream {
        let connection = try await endpoint.connection(
            to: source.name, role: nil, host: source.address.host, port: source.address.port)
        return try await connection.open(request, kind: kind)
    }

    /// Takes note of an answer of `bytes` bytes.
    func received(_ bytes: Int, from source: PlanSource) {
        state.withLock { state in
            state.received[source.name, default: 0] += UInt64(bytes)
            state.failures[source.name] = 0
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
            return Self.firstPause * (1 << failures)
        }
    }

    /// Asks `source` for nothing any more.
    func giveUp(_ source: PlanSource) {
        state.withLock { _ = $0.isGivenUp.insert(source.name) }
    }

    /// Whether `source` may be asked.
    func isUsable(_ source: PlanSource) -> Bool {
        state.withLock { !$0.isGivenUp.contains(source.name) }
    }

    /// Runs `body` at one source after the other until it succeeds; counts one round trip.
    ///
    /// Throws the last error if no source could help, ``SyncError/noSource(set:reasons:)`` if there was none to ask.
    func fromAny<Value>(set: String, _ body: (PlanSource) async throws -> Value) async throws -> Value {
        state.withLock { $0.roundTrips += 1 }
        var reasons: [String] = []
        for source in sources where isUsable(source) {
            do {
                return try await body(source)
            } catch let error as CancellationError {
                throw error
            } catch  where !SyncError.blames(error) {
                throw error
            } catch {
                if !Self.isRefusal(error) { _ = failed(source) }
                reasons.append("\(source.name): \(error)")
            }
        }
        throw SyncError.noSource(set: set, reasons: reasons)
    }

    /// Whether a source said in good order that it does not have what was asked: no reason to think less of it.
    private static func isRefusal(_ error: any Error) -> Bool {
        if case .absent? = error as? SyncError { return true }
        return false
    }
}
