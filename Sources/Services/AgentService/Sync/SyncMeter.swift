package import FleetModel
package import Store
import Synchronization

/// Counts what a sync has done, for its progress and its summary. All calls may come from any thread.
package final class SyncMeter: Sendable {
    private struct State {
        var phase = "metadata"
        var bytesTotal: UInt64 = 0
        var bytesDone: UInt64 = 0
        var bytesToFetch: UInt64 = 0
        var bytesFetched: UInt64 = 0
        var chunksDone: UInt64 = 0
        var last: (bytes: UInt64, time: ContinuousClock.Instant)?
        var rate = 0.0
        var receipts: ReceiptCount?

        mutating func note(_ session: FetchProgress) {
            bytesTotal = session.bytesTotal
            // Two threads may tell in another order than they looked.
            bytesDone = max(bytesDone, session.bytesDone)
        }
    }

    private let sequence: UInt64
    private let state = Mutex(State())

    /// A meter of a sync to the release `sequence` that has only begun.
    package init(sequence: UInt64) {
        self.sequence = sequence
    }

    /// Chunks fetched and verified.
    package var chunksDone: UInt64 { state.withLock { $0.chunksDone } }

    /// Bytes that are still to be fetched from others, about: what later windows can copy is not known yet.
    package var bytesMissing: UInt64 {
        state.withLock { $0.bytesToFetch - min($0.bytesFetched, $0.bytesToFetch) }
    }

    /// Says that the manifest is complete and `bytes` bytes are to be fetched, of what the session puts in place.
    package func begin(bytesToFetch bytes: UInt64, _ session: FetchProgress) {
        state.withLock { state in
            state.phase = "chunks"
            state.bytesToFetch = bytes
            state.note(session)
            // What an earlier attempt left was not fetched in this moment.
            state.last = nil
        }
    }

    /// Says what is done now.
    package func enter(_ phase: String) {
        state.withLock { state in
            state.phase = phase
            state.receipts = nil
        }
    }

    /// Says that others are waited for.
    package func wait(receipts: ReceiptCount) {
        state.withLock { state in
            state.phase = "quorum"
            state.receipts = receipts
        }
    }

    /// Counts chunks that were fetched and verified; the session has them in place.
    package func fetched(chunks: Int, bytes: Int, _ session: FetchProgress) {
        state.withLock { state in
            state.chunksDone += UInt64(chunks)
            state.bytesFetched += UInt64(bytes)
            state.note(session)
        }
    }

    /// Takes note of what the session has put in place without fetching.
    package func note(_ session: FetchProgress) {
        state.withLock { $0.note(session) }
    }

    /// How far it is, after these bytes by source; the rate is that since the last call, smoothed.
    package func progress(at now: ContinuousClock.Instant, bytesBySource: [String: UInt64]) -> SyncProgress {
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
                bytesDone: min(state.bytesDone, state.bytesTotal),
                bytesPerSecond: state.rate, bytesBySource: bytesBySource, receipts: state.receipts)
        }
    }
}
