import Content
import Swarm
import Testing
import TestSupport

@Suite struct ReputationTests {
    @Test("outcomes move the score, and success brings it back")
    func scores() {
        var reputation = Reputation()
        #expect(reputation.score(of: "a", now: 0) == 1_000)
        reputation.note(.success, of: "a", now: 0)
        #expect(reputation.standings(now: 0).isEmpty)
        reputation.note(.failure, of: "a", now: 0)
        #expect(reputation.score(of: "a", now: 0) == 800)
        reputation.note(.timeout, of: "a", now: 0)
        #expect(reputation.score(of: "a", now: 0) == 560)
        reputation.note(.success, of: "a", now: 0)
        #expect(reputation.score(of: "a", now: 0) == 582)
        for _ in 0..<200 { reputation.note(.success, of: "a", now: 0) }
        #expect(reputation == Reputation())
    }

    @Test("what is wrong cuts off at once, for longer each time, until the time is over")
    func cutOff() {
        var reputation = Reputation()
        reputation.note(.invalid, of: "liar", now: 100)
        #expect(reputation.isCutOff("liar", now: 100) && reputation.isCutOff("liar", now: 3_699))
        #expect(!reputation.isCutOff("liar", now: 3_700) && !reputation.isCutOff("other", now: 100))
        #expect(reputation.score(of: "liar", now: 100) == 0 && reputation.score(of: "liar", now: 3_700) == 500)
        reputation.note(.invalid, of: "liar", now: 4_000)
        let standing = reputation.standings(now: 4_000).first
        #expect(standing?.name == "liar" && standing?.score == 0)
        #expect(standing?.offences == 2 && standing?.cutOffUntil == 11_200)
        for _ in 0..<300 { reputation.note(.invalid, of: "liar", now: 4_000) }
        #expect(reputation.isCutOff("liar", now: 4_000 + 7 * 86_400 - 1))
        #expect(!reputation.isCutOff("liar", now: 4_000 + 7 * 86_400))
        // Success does not end it.
        reputation.note(.success, of: "liar", now: 4_001)
        #expect(reputation.isCutOff("liar", now: 4_002))
    }

    @Test("a pardon ends it, and nothing is remembered")
    func pardon() {
        var reputation = Reputation()
        reputation.note(.invalid, of: "liar", now: 0)
        #expect(reputation.pardon("liar") && !reputation.pardon("liar"))
        #expect(reputation == Reputation() && !reputation.isCutOff("liar", now: 0))
    }

    @Test("what lies back fades by half each hour, and a clock that goes back changes nothing")
    func fades() {
        var reputation = Reputation()
        for _ in 0..<20 { reputation.note(.timeout, of: "a", now: 10_000) }
        let low = reputation.score(of: "a", now: 10_000)
        #expect(low < 20)
        #expect(reputation.score(of: "a", now: 10_000 + 3_600) == 1_000 - (1_000 - low) / 2)
        #expect(reputation.score(of: "a", now: 10_000 + 90_000) == 1_000)
        #expect(reputation.score(of: "a", now: .max) == 1_000)
        #expect(reputation.score(of: "a", now: .min) == low)
        reputation.note(.invalid, of: "late", now: .max)
        #expect(reputation.isCutOff("late", now: .max - 1))
    }

    @Test("at most 4,096 are remembered, those that are cut off longest")
    func limit() {
        var reputation = Reputation()
        reputation.note(.invalid, of: "liar", now: 0)
        for number in 0..<5_000 { reputation.note(.failure, of: "m\(number)", now: 0) }
        #expect(reputation.standings(now: 0).count == 4_096 && reputation.isCutOff("liar", now: 0))
        #expect(throws: Never.self) { try Reputation(decoding: reputation.encode()) }
    }

    @Test("reads back as it was; any other bytes are an error, or written and read again")
    func bytes() throws {
        var reputation = Reputation()
        reputation.note(.invalid, of: "liar", now: 1_700_000_000)
        reputation.note(.timeout, of: "m1", now: 1_700_000_001)
        let good = reputation.encode()
        #expect(try Reputation(decoding: good) == reputation)
        var generator = SplitMix64(test: "hostile reputations", fallback: 20_261_129)
        for _ in 0..<5_000 {
            var bytes = good
            for _ in 0...generator.length(below: 3) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let other = try? Reputation(decoding: bytes) else { continue }
            #expect(other.encode() == bytes)
            _ = other.standings(now: .max)
        }
        for bytes in [[], [2, 0], [1], [1, 0x81, 0x20], Array(good.dropLast()), good + [0]] as [[UInt8]] {
            #expect(throws: CodecError.self) { try Reputation(decoding: bytes) }
        }
    }
}
