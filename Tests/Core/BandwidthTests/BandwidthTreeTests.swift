import Bandwidth
import TestSupport
import Testing

@Suite("Bandwidth is divided by weight, lent on, and never above the limit")
struct BandwidthTreeTests {
    private func flow(_ set: String, _ transfer: UInt64, _ priority: BandwidthClass = .bulk) -> BandwidthFlow {
        BandwidthFlow(priority, set: set, transfer: transfer)
    }

    /// What a run may send above the limit: the burst, grants of one distribution that are taken up after the next, and a
    /// frame that was asked for under a higher limit.
    private func allowance(_ limit: UInt64) -> Int {
        2 * TokenBucket(rate: limit, now: 0).burst + (64 << 10)
    }

    @Test("Without a limit everything goes at once")
    func unlimited() {
        var tree = BandwidthTree(now: 0)
        for _ in 0..<1_000 {
            let isGranted = tree.request(flow("a", 1), bytes: 1 << 20, now: 0)
            #expect(isGranted)
        }
        #expect(tree.nextTime == nil)
    }

    @Test("One transfer alone takes all of the limit", arguments: [100_000, 3_000_000, 10_000_000, 1_000_000_000])
    func alone(limit: UInt64) {
        var random = SplitMix64(seed: limit)
        var senders = Senders(limit: limit)
        senders.active = [flow("a", 1)]
        senders.run(milliseconds: 10_000, random: &random)
        let ideal = Double(limit) * 10
        #expect(Double(senders.total) > ideal * 0.98)
        #expect(Double(senders.total) < ideal * 1.02 + Double(allowance(limit)))
    }

    @Test("Sets have shares by their weights, within 5 %, whatever number of transfers each has", arguments: 0..<20)
    func weights(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limit = 2_000_000 + random.next() % 100_000_000
        var senders = Senders(limit: limit)
        let weights = ["security": 8, "debian": 4, "iso": 1]
        senders.tree.setWeights(weights)
        var number: UInt64 = 0
        for set in weights.keys.sorted() {
            for _ in 0...(random.next() % 4) {
                number += 1
                senders.active.append(flow(set, number))
            }
        }
        senders.run(milliseconds: 1_000, jitter: 6, random: &random)
        senders.forget()
        senders.run(milliseconds: 20_000, jitter: 6, random: &random)
        for (set, weight) in weights {
            let share = Double(senders.bytes(of: set)) / Double(senders.total)
            let wanted = Double(weight) / 13
            #expect(abs(share - wanted) < wanted * 0.05, "seed \(seed), \(set): \(share) of \(wanted)")
        }
        #expect(Double(senders.total) > Double(limit) * 20 * 0.98, "seed \(seed)")
        #expect(senders.excess <= allowance(limit), "seed \(seed)")
        // Transfers of one set have equal shares.
        for set in weights.keys {
            let bytes = senders.active.filter { $0.set == set }.map { senders.sent[$0] ?? 0 }
            let mean = Double(bytes.reduce(0, +)) / Double(bytes.count)
            for one in bytes { #expect(abs(Double(one) - mean) < mean * 0.05, "seed \(seed), \(set): \(bytes)") }
        }
    }

    @Test("What a set does not use, the others have; and it has its share when it comes back")
    func lending() {
        var random = SplitMix64(seed: 3)
        var senders = Senders(limit: 10_000_000)
        senders.tree.setWeights(["security": 8, "iso": 1])
        senders.active = [flow("iso", 1)]
        senders.run(milliseconds: 5_000, random: &random)
        #expect(senders.bytes(of: "iso") > 49_000_000)
        senders.forget()
        senders.active.append(flow("security", 2))
        senders.run(milliseconds: 900, random: &random)
        let share = Double(senders.bytes(of: "security")) / Double(senders.total)
        #expect(abs(share - 8.0 / 9) < 0.05, "\(share)")
        // It saved nothing up while it was away, and the other does not either.
        senders.end(flow("security", 2))
        senders.forget()
        senders.run(milliseconds: 1_000, random: &random)
        #expect(senders.bytes(of: "iso") > 9_700_000)
    }

    @Test("Metadata goes before content, and neither starves")
    func classes() {
        var random = SplitMix64(seed: 4)
        var senders = Senders(limit: 10_000_000)
        senders.active = [flow("a", 1), flow("a", 2), flow("a", 3, .metadata)]
        senders.run(milliseconds: 9_000, random: &random)
        let metadata = Double(senders.sent[flow("a", 3, .metadata)] ?? 0) / Double(senders.total)
        #expect(abs(metadata - 8.0 / 9) < 0.05 * 8 / 9, "\(metadata)")
    }

    @Test("What asks nobody is paid for by those who ask")
    func charges() {
        var random = SplitMix64(seed: 5)
        var senders = Senders(limit: 10_000_000)
        senders.active = [flow("a", 1)]
        for _ in 0..<100 {
            senders.tree.charge(50_000, now: senders.now)
            senders.run(milliseconds: 10, random: &random)
        }
        #expect(senders.total < 5_400_000)
        #expect(senders.total > 4_700_000)
    }

    @Test("Nothing pauses, and goes on with another limit at once")
    func pause() {
        var random = SplitMix64(seed: 6)
        var senders = Senders(limit: 0)
        senders.active = [flow("a", 1), flow("b", 2)]
        senders.run(milliseconds: 5_000, random: &random)
        #expect(senders.total == 0)
        #expect(senders.tree.nextTime == nil)
        senders.setLimit(5_000_000)
        senders.run(milliseconds: 1_000, random: &random)
        #expect(senders.total > 4_800_000)
        senders.setLimit(0)
        senders.forget()
        senders.run(milliseconds: 1_000, random: &random)
        #expect(senders.total <= allowance(5_000_000))
        senders.setLimit(nil)
        senders.run(milliseconds: 1, random: &random)
        #expect(senders.tree.waitingCount == 0)
    }

    @Test(
        "Transfers that come and go, and limits that change: never above, always full, nobody starves",
        arguments: 0..<24)
    func anything(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var senders = Senders(limit: 1_000_000)
        var number: UInt64 = 0
        senders.tree.setWeights(["a": 3, "b": 2])
        for _ in 0..<8 {
            let limit = 200_000 + random.next() % (random.next() % 2 == 0 ? 2_000_000 : 200_000_000)
            senders.setLimit(limit)
            while senders.active.count < 1 || random.next() % 3 != 0 {
                number += 1
                let set = ["a", "b", "c"][Int(random.next() % 3)]
                senders.active.append(flow(set, number, random.next() % 5 == 0 ? .metadata : .bulk))
            }
            while senders.active.count > 1, random.next() % 3 != 0 {
                senders.end(senders.active[Int(random.next() % UInt64(senders.active.count))])
            }
            senders.run(milliseconds: 100, jitter: 4, random: &random)
            senders.forget()
            // Long enough for the smallest share to have some frames.
            let seconds = 8
            senders.run(milliseconds: seconds * 1_000, jitter: 4, random: &random)
            let ideal = Double(limit) * Double(seconds)
            #expect(Double(senders.total) > ideal * 0.96, "seed \(seed): \(senders.total) of \(ideal)")
            #expect(senders.excess <= allowance(limit), "seed \(seed)")
            // A transfer of the set with weight 1 beside 3 and 2, of content beside metadata.
            let least = ideal / 9 / 6 / Double(senders.active.count)
            if least > Double(4 * TokenBucket.frameBytes(at: limit)) {
                for flow in senders.active {
                    #expect(Double(senders.sent[flow] ?? 0) > least * 0.5, "seed \(seed): \(flow)")
                }
            }
        }
    }
}
