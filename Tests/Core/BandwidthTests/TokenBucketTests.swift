import Bandwidth
import TestSupport
import Testing

@Suite("A token bucket")
struct TokenBucketTests {
    private static let second: UInt64 = 1_000_000_000

    @Test("It is full at first, and fills at its rate to the last byte")
    func rate() {
        var bucket = TokenBucket(rate: 10_000_000, now: 0)
        #expect(bucket.level == 200_000 + (64 << 10))
        bucket.take(bucket.level)
        // Steps that are no whole bytes: nothing is lost between them.
        for step in 1...9_999 as ClosedRange<UInt64> { bucket.refill(now: step * 1_333) }
        #expect(bucket.level == 9_999 * 1_333 / 100)
        #expect(bucket.time(of: 200_000) == 9_999 * 1_333 + UInt64(200_000 - bucket.level) * 100 + 1)
        bucket.refill(now: Self.second)
        #expect(bucket.level == 200_000 + (64 << 10))
    }

    @Test("A rate of nothing gives nothing, and a slow one a frame at last")
    func slow() {
        var paused = TokenBucket(rate: 0, now: 5)
        paused.refill(now: 1 << 60)
        #expect(paused.level == 0)
        #expect(paused.time(of: 1) == nil)
        var slow = TokenBucket(rate: 1_000, now: 0)
        #expect(slow.burst == (16 << 10) + 20)
        slow.take(slow.burst)
        slow.refill(now: 2 * Self.second)
        #expect(slow.level == 2_000)
    }

    @Test("Another rate takes away what is above its burst, and no debt")
    func change() {
        var bucket = TokenBucket(rate: 1_000_000_000, now: 0)
        bucket.setRate(1_000_000, now: 1)
        #expect(bucket.level == (16 << 10) + 20_000)
        bucket.take(1_000_000)
        let debt = bucket.level
        bucket.setRate(100_000_000, now: 1)
        #expect(bucket.level == debt)
    }

    @Test("No value breaks it", arguments: 0..<200)
    func anything(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var now = random.next() >> (random.next() % 64)
        var bucket = TokenBucket(rate: random.next() >> (random.next() % 64), now: now)
        for _ in 0..<100 {
            switch random.next() % 5 {
            case 0: bucket.setRate(random.next() >> (random.next() % 64), now: now)
            case 1: bucket.take(Int(random.next() >> (1 + random.next() % 63)))
            case 2: bucket.giveBack(Int(random.next() >> (24 + random.next() % 40)))
            case 3: now &+= random.next() >> (random.next() % 64)
            default: _ = bucket.time(of: Int(random.next() >> (1 + random.next() % 63)))
            }
            bucket.refill(now: now)
            #expect(bucket.level <= bucket.burst, "seed \(seed)")
        }
    }
}
