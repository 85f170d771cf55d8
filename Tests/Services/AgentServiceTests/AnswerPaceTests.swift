import AgentService
import Testing

@Suite struct AnswerPaceTests {
    /// How long a source keeps an answer open that gives `byteCount` bytes each `interval`, up to `limit`.
    private func time(_ byteCount: Int, each interval: Duration, limit: Duration) -> Duration {
        var pace = AnswerPace()
        var time = Duration.zero
        while time < limit {
            guard pace.patience >= interval else { return time + max(pace.patience, .zero) }
            pace.received(byteCount, after: interval)
            time += interval
        }
        return time
    }

    @Test func `Who gives a byte a second is given up within six minutes`() {
        let took = time(1, each: .seconds(1), limit: .seconds(86_400))
        #expect(took > .seconds(30) && took < .seconds(360), "\(took)")
    }

    /// Below the least pace the end comes, later for those who give more.
    @Test func `Slow is bounded at every pace below the least one`() {
        var last = Duration.zero
        for byteCount in [1, 512, 1_024, 2_048] {
            let took = time(byteCount, each: .seconds(1), limit: .seconds(86_400))
            #expect(took > last && took < .seconds(700), "\(byteCount) bytes a second: \(took)")
            last = took
        }
    }

    @Test func `Who keeps the least pace is waited for as long as it takes`() {
        #expect(time(4_096, each: .seconds(1), limit: .seconds(7_200)) == .seconds(7_200))
    }

    @Test func `Sizes that no peer can send overflow nothing`() {
        var pace = AnswerPace()
        for count in [Int.max, Int.max, -1] { pace.received(count, after: .zero) }
        #expect(pace.patience > .seconds(30))
    }
}
