import Swarm
import Testing

@Suite struct PeerExchangeTests {
    private func member(_ name: String, host: String = "10.0.0.1") -> SwarmMember {
        SwarmMember(name: name, host: host, port: 7_444, region: "eu")
    }

    private func members(_ range: Range<Int>) -> [SwarmMember] { range.map { member("x\($0)") } }

    @Test func `neighbours are told of at most 16 whom this host is linked to at a known address, and only of changes`()
    {
        var exchange = PeerExchange(name: "me", planned: (0..<30).map { member("m\($0)") })
        let unlinked = exchange.offer(to: "m0")
        #expect(unlinked == nil)
        for index in 0..<20 { exchange.linked(to: "m\(index)") }
        exchange.linked(to: "stranger")
        let offer = exchange.offer(to: "m0") ?? []
        #expect(offer.count == SwarmMessage.memberLimit)
        #expect(!offer.contains { ["m0", "stranger", "m25"].contains($0.name) })
        let again = exchange.offer(to: "m0")
        #expect(again == nil)
        exchange.unlinked(from: offer[0].name)
        let changed = exchange.offer(to: "m0")
        #expect(changed?.contains(offer[0]) == false)
    }

    @Test func `members that a neighbour names are tried once, few at a time, and offered once they are linked`() {
        var exchange = PeerExchange(name: "me", planned: [member("m1"), member("m2")])
        let strange = exchange.heard(members(0..<1), from: "m1")
        #expect(strange.isEmpty, "not linked")
        exchange.linked(to: "m1")
        let first = exchange.heard(members(0..<6) + [member("me"), member("m2")], from: "m1")
        #expect(first.map(\.name) == ["x0", "x1", "x2", "x3"])
        let twice = exchange.heard(members(0..<6), from: "m1")
        #expect(twice.isEmpty, "named before")
        exchange.linked(to: "x0")
        let next = exchange.ended("x0", .linked)
        #expect(next.map(\.name) == ["x4"])
        let offered = exchange.offer(to: "m1")
        #expect(offered?.map(\.name) == ["x0"])
        // One that linked to this host by itself: at which address it is, nobody has shown.
        exchange.linked(to: "x1")
        let later = exchange.ended("x1", .needless)
        #expect(later.map(\.name) == ["x5"])
        let same = exchange.offer(to: "m1")
        #expect(same == nil)
    }

    @Test func `whoever names members that are not there is not listened to, and costs few attempts`() {
        var exchange = PeerExchange(name: "me", planned: [member("liar"), member("m2")])
        exchange.linked(to: "liar")
        exchange.linked(to: "m2")
        var attempts = exchange.heard(members(0..<16), from: "liar")
        var count = 0
        while let next = attempts.popLast() {
            count += 1
            attempts += exchange.ended(next.name, .failed)
        }
        // Those under way when the third failed, and no more.
        #expect(count <= PeerExchange.failuresPerNeighbour + PeerExchange.dialLimit)
        let more = exchange.heard(members(20..<36), from: "liar")
        #expect(more.isEmpty)
        // Another neighbour may name the same one at its right address.
        let elsewhere = exchange.heard([member("x0", host: "10.0.0.9")], from: "m2")
        #expect(elsewhere.map(\.host) == ["10.0.0.9"])
    }

    @Test func `links, names of one neighbour and attempts in all are bounded`() {
        var exchange = PeerExchange(name: "me", planned: [member("m1"), member("m2"), member("m3")])
        for name in ["m1", "m2", "m3"] { exchange.linked(to: name) }
        var linked = 3
        var attempts = 0
        var waiting: [SwarmMember] = []
        for (round, neighbour) in ["m1", "m2", "m3"].enumerated() {
            waiting += exchange.heard(members(round * 100..<round * 100 + 100), from: neighbour)
            while let next = waiting.popLast() {
                attempts += 1
                // Every other one leaves again at once.
                exchange.linked(to: next.name)
                if attempts % 2 == 0 { exchange.unlinked(from: next.name) } else { linked += 1 }
                waiting += exchange.ended(next.name, .linked)
                #expect(linked <= PeerExchange.linkLimit)
            }
        }
        #expect(attempts <= PeerExchange.attemptLimit && attempts > 2 * (PeerExchange.linkLimit - 3) - 4)
    }

    @Test func `so many names are taken of one neighbour and no more, also if nothing comes of them`() {
        var exchange = PeerExchange(name: "me", planned: [member("m1")])
        exchange.linked(to: "m1")
        var waiting = exchange.heard(members(0..<100), from: "m1")
        var attempts = 0
        while let next = waiting.popLast() {
            attempts += 1
            waiting += exchange.ended(next.name, .needless)
        }
        #expect(attempts == PeerExchange.namesPerNeighbour)
    }
}
