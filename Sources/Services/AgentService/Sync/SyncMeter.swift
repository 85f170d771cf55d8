import FleetModel
import Synchronization

/// Counts what a sync has done, for its progress and its summary.
final class SyncMeter: Sendable {
    private struct State {
        var phase = "metadata"
        var bytesTotal: UInt64 = 0
        var bytesDone: UInt64 = 0
        var chunksDone: UInt64 = 0
        var last: (bytes: UInt64, time: ContinuousClock.Instant)?
        var rate = 0.0
    }

    private let sequence: UInt64
    private let state = Mutex(State())

    init(sequence: UInt64) {
        self.sequence = sequence
    }

    /// Chunks fetched and verified.
    var chunksDone: UInt64 { state.withLock { $0.chunksDone } }

    /// Says that `bytes` bytes are to be fetched.
    func begin(bytes: UInt64) {
        state.withLock { state in
            state.phase = "chunks"
            state.bytesTotal = bytes
        }
    }

    /// Says what is done now.
    func enter(_ phase: String) {
        state.withLock { $0.phase = phase }
    }

    /// Counts chunks that were verified and written.
    func add(chunks: Int, bytes: Int) {
        state.withLock { state in
            state.chunksDone += UInt64(chunks)
            state.bytesDone += UInt64(bytes)
        }
    }

    /// How far it is, after these bytes by source; the rate is that since the last call, smoothed.
    func progress(at now: ContinuousClock.Instant, bytesBySource: [String: UInt64]) -> SyncProgress {
        state.withLock { state in
            if let last = state.last {
                let elapsed = (now - last.time).components
                let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
                if seconds > 0.1 {
                    let rate = Double(state.bytesDone - last.bytes) / seconds
                    state.rate = state.rate == 0 ? rate : 0.5 * state.rate + 0.5 * rate
                    state.last = (state.bytesDone, now)
                }
            } else {
                state.last = (state.bytesDone, now)
            }
            return SyncProgress(
                sequence: sequence, phase: state.phase, bytesTotal: state.bytesTotal,
                // A chunk that two sources brought is counted twice.
                bytesDone: min(state.bytesDone, state.bytesTotal),
                bytesPerSecond: state.rate, bytesBySource: bytesBySource)
        }
    }
}
