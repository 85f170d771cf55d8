import AgentService
import FleetModel
import Store
import Testing

@Suite struct SyncMeterTests {
    private static func session(done: UInt64, of total: UInt64 = 100) -> FetchProgress {
        FetchProgress(phase: "chunks", bytesTotal: total, bytesDone: done, chunksMissing: 0, chunksFetched: 0)
    }

    private let meter = SyncMeter(sequence: 3)
    private let began = ContinuousClock.now

    /// What is shown so many seconds after the beginning.
    private func shown(after seconds: Int) -> (done: UInt64, total: UInt64, rate: Double) {
        let progress = meter.progress(at: began + .seconds(seconds), bytesBySource: [:])
        return (progress.bytesDone, progress.bytesTotal, progress.bytesPerSecond)
    }

    @Test func `A sync is not done while chunks that are held are still copied`() {
        #expect(shown(after: 0) == (0, 0, 0))
        meter.begin(bytesToFetch: 10, Self.session(done: 0))
        meter.fetched(chunks: 2, bytes: 10, Self.session(done: 10))
        #expect(shown(after: 1) == (10, 100, 0))
        #expect(meter.bytesMissing == 0)
        meter.note(Self.session(done: 90))
        #expect(shown(after: 2) == (90, 100, 80))
        meter.note(Self.session(done: 100))
        #expect(shown(after: 3) == (100, 100, 45))
        #expect(meter.chunksDone == 2)
    }

    @Test func `A chunk that two sources brought does not make up for one that nobody did`() {
        meter.begin(bytesToFetch: 30, Self.session(done: 0, of: 30))
        for _ in 0..<3 { meter.fetched(chunks: 1, bytes: 10, Self.session(done: 10, of: 30)) }
        #expect(shown(after: 1).done == 10)
    }

    @Test func `What an earlier attempt left makes no rate, and older news nothing undone`() {
        #expect(shown(after: 0) == (0, 0, 0))
        meter.begin(bytesToFetch: 40, Self.session(done: 60))
        #expect(shown(after: 1) == (60, 100, 0))
        meter.fetched(chunks: 1, bytes: 20, Self.session(done: 80))
        meter.note(Self.session(done: 70))
        #expect(shown(after: 2) == (80, 100, 20))
        #expect(meter.bytesMissing == 20)
    }
}
