package import STOQ
package import Swarm
import Synchronization

/// Requests of a swarm's machine that one host is asked for together, in one message.
package final class RequestBatch: Sendable {
    private struct State {
        /// Requests that somebody waits for.
        var wanted: Set<UInt64>
        var task: Task<Void, Never>?
    }

    /// At least one.
    package let requests: [SwarmMachine.Request]
    private let state: Mutex<State>

    private init(_ requests: [SwarmMachine.Request]) {
        self.requests = requests
        state = Mutex(State(wanted: Set(requests.map(\.id))))
    }

    /// Puts requests together that go to one source, in their order, up to the bytes that the machine allows.
    package static func join(_ requests: [SwarmMachine.Request]) -> [RequestBatch] {
        var open: [Int: (requests: [SwarmMachine.Request], bytes: Int, chunks: Int)] = [:]
        var batches: [RequestBatch] = []
        for request in requests {
            if let (together, bytes, chunks) = open[request.source] {
                if bytes + request.bytes <= request.joinedBytes,
                    chunks + request.ordinals.count <= ChunkQueue.batchChunkLimit
                {
                    open[request.source] = (
                        together + [request], bytes + request.bytes, chunks + request.ordinals.count
                    )
                    continue
                }
                batches.append(RequestBatch(together))
            }
            open[request.source] = ([request], request.bytes, request.ordinals.count)
        }
        return batches + open.sorted { $0.key < $1.key }.map { RequestBatch($0.value.requests) }
    }

    /// Whom to ask, as the machine named it.
    var source: Int { requests[0].source }

    /// Ordinals of all chunks, in the order in which they are asked for.
    package var ordinals: [UInt32] { requests.flatMap(\.ordinals) }

    /// Whether nobody waits for any of the requests any more.
    package var isCancelled: Bool { state.withLock { $0.wanted.isEmpty } }

    /// The bytes of each request that an answer has.
    package func shares(of answer: STOQAnswer) -> [(request: UInt64, bytes: Int)] {
        var shares = requests.map { (request: $0.id, bytes: 0) }
        for item in answer.items {
            var (at, first) = (0, 0)
            while at < requests.count - 1, item.index >= first + requests[at].ordinals.count {
                first += requests[at].ordinals.count
                at += 1
            }
            shares[at].bytes += item.range.count
        }
        return shares.filter { $0.bytes > 0 }
    }

    /// Begins to ask, unless nobody waits any more.
    package func start(_ ask: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            guard !state.wanted.isEmpty else { return }
            state.task = Task { await ask() }
        }
    }

    /// Nobody waits for one of the requests any more; once that is true of all, the task is cancelled.
    package func cancel(_ request: UInt64) {
        let task = state.withLock { state in
            state.wanted.remove(request)
            return state.wanted.isEmpty ? state.task : nil
        }
        task?.cancel()
    }
}
