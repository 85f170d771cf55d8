import Swarm
import Testing

@Suite struct SourceChoiceTests {
    private static let sources = [
        SourceChoice.Candidate(name: "far-fast", isNear: false, score: 1_000, bytesPerSecond: 100e6),
        SourceChoice.Candidate(name: "near-slow", isNear: true, score: 1_000, bytesPerSecond: 5e6),
        SourceChoice.Candidate(name: "near-bad", isNear: true, score: 100, bytesPerSecond: 20e6),
        SourceChoice.Candidate(name: "near-new", isNear: true, score: 1_000, bytesPerSecond: nil),
    ]

    private func order(_ reputation: Double, _ region: Double, _ bandwidth: Double) -> [String] {
        var choice = SourceChoice()
        choice.reputation = reputation
        choice.region = region
        choice.bandwidth = bandwidth
        return choice.ranked(Self.sources, assumedRate: 12.5e6).map(\.name)
    }

    @Test func `each weight alone orders by that alone, and all together weigh`() {
        #expect(order(0, 0, 1) == ["far-fast", "near-bad", "near-new", "near-slow"])
        #expect(order(0, 1, 0) == ["near-slow", "near-bad", "near-new", "far-fast"])
        #expect(order(1, 0, 0) == ["far-fast", "near-slow", "near-new", "near-bad"])
        #expect(order(0, 0, 0) == Self.sources.map(\.name))
        #expect(order(1, 1, 1) == ["far-fast", "near-new", "near-slow", "near-bad"])
        // What counts much more than the others decides.
        #expect(order(0, 100, 1) == ["near-bad", "near-new", "near-slow", "far-fast"])
        #expect(order(100, 0, 1).last == "near-bad")
        #expect(order(1, 1, 100) == order(0, 0, 1))
    }

    @Test func `a machine asks the source of good repute for more, however fast the other was`() {
        let lengths = Array(repeating: UInt32(BlockCut.byteLimit), count: 32)
        func asked(_ scores: [String: Int]) -> [String: Int] {
            var machine = SwarmMachine(
                name: "me", cut: BlockCut(base: 0, lengths: lengths), lengths: lengths, hello: SwarmHello(complete: 0))
            var names: [Int: String] = [:]
            for (name, score) in scores.sorted(by: { $0.key < $1.key }) {
                let (id, _) = machine.join(
                    name, hello: SwarmHello(complete: 32), isOrigin: false, score: score, now: .zero)
                names[id] = name
            }
            var counts: [String: Int] = [:]
            var open: [SwarmMachine.Request] = []
            func perform(_ actions: [SwarmMachine.Action]) {
                for case .request(let request) in actions {
                    counts[names[request.source] ?? "", default: 0] += 1
                    open.append(request)
                }
            }
            perform(machine.want(OrdinalSet(0..<32), now: .zero))
            var now = Duration.zero
            // Both deliver at the same pace, one block after the other.
            while let request = open.first {
                open.removeFirst()
                now += .milliseconds(20)
                machine.progressed(request: request.id, bytes: BlockCut.byteLimit, now: now)
                perform(machine.received(request.ordinals, from: request.source, now: now))
                perform(machine.finished(requests: [request.id], now: now))
            }
            #expect(machine.isComplete)
            return counts
        }
        let equal = asked(["a": 1_000, "b": 1_000])
        let unequal = asked(["a": 1_000, "b": 100])
        #expect((equal["a"] ?? 0) < 24 && (equal["b"] ?? 0) < 24, "\(equal)")
        #expect((unequal["a"] ?? 0) > (equal["a"] ?? 0), "\(equal) \(unequal)")
    }
}
