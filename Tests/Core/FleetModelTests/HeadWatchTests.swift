import Content
import FleetModel
import Hashing
import Testing

@Suite("Watching heads without the coordinator")
struct HeadWatchTests {
    private static let neighbours = ["m2", "m3", "origin"].map {
        Neighbour(name: $0, address: NetworkAddress(host: $0, port: 7_444))
    }

    private static func claim(_ sequence: UInt64, set: String = "debian", copy: UInt8 = 0) -> HeadClaim {
        let digest = BLAKE3.hash([UInt8(truncatingIfNeeded: sequence), copy])
        return HeadClaim(set: set, sequence: sequence, release: ReleaseDigest(digest))
    }

    private func neighbour(_ name: String) throws -> Neighbour {
        try #require(Self.neighbours.first { $0.name == name })
    }

    /// A mirror that holds release 3 of debian and has lost its coordinator 20 seconds ago.
    private func alone() -> HeadWatch {
        var watch = HeadWatch(now: .zero)
        _ = watch.handle(.appointed(Neighbourhood(sets: ["debian"], neighbours: Self.neighbours)), now: .zero)
        _ = watch.handle(.holds(set: "debian", sequence: 3), now: .zero)
        for second in 1...3 { _ = watch.handle(.pollFailed, now: .seconds(second)) }
        _ = watch.handle(.passed, now: .seconds(20))
        return watch
    }

    @Test("While the coordinator answers, nothing that neighbours say makes the mirror move")
    func coordinatorLives() {
        var watch = HeadWatch(now: .zero)
        let events: [HeadWatch.Event] = [
            .appointed(Neighbourhood(sets: ["debian"], neighbours: Self.neighbours)),
            .holds(set: "debian", sequence: 3),
            .pollFailed, .pollFailed, .pollAnswered, .greeted(neighbour: "m2", heads: [Self.claim(4)]),
            .verified(Self.claim(4)), .pollFailed, .pollFailed, .passed,
        ]
        for (second, event) in events.enumerated() {
            #expect(watch.handle(event, now: .seconds(second)) == [])
        }
    }

    @Test("It takes failed polls and silence for long enough, both, to call the neighbours")
    func patience() {
        var watch = HeadWatch(now: .zero)
        _ = watch.handle(.appointed(Neighbourhood(sets: ["debian"], neighbours: Self.neighbours)), now: .zero)
        // Time alone is no failure: a long poll is open.
        #expect(watch.handle(.passed, now: .seconds(100)) == [])
        #expect(watch.handle(.pollAnswered, now: .seconds(100)) == [])
        for _ in 0..<3 { #expect(watch.handle(.pollFailed, now: .seconds(101)) == []) }
        #expect(watch.handle(.passed, now: .seconds(110)) == [])
        #expect(!watch.isAlone(at: .seconds(110)))
        #expect(watch.handle(.passed, now: .seconds(111)) == Self.neighbours.map { .call($0) })
        #expect(watch.isAlone(at: .seconds(111)))
        #expect(watch.handle(.passed, now: .seconds(170)) == [])
        #expect(watch.handle(.passed, now: .seconds(171)) == Self.neighbours.map { .call($0) })
    }

    @Test("A newer head is fetched and verified first, then followed from all who claim the same")
    func follow() throws {
        var watch = alone()
        let now = Duration.seconds(21)
        #expect(watch.handle(.greeted(neighbour: "m3", heads: [Self.claim(3)]), now: now) == [])
        #expect(
            watch.handle(.greeted(neighbour: "origin", heads: [Self.claim(4)]), now: now)
                == [.fetch(Self.claim(4), from: try neighbour("origin"))])
        // One fetch at a time; others who say the same are sources.
        #expect(watch.handle(.greeted(neighbour: "m2", heads: [Self.claim(4)]), now: now) == [])
        #expect(
            watch.handle(.verified(Self.claim(4)), now: now)
                == [.follow(Self.claim(4), sources: [try neighbour("m2"), try neighbour("origin")])])
        #expect(watch.handle(.passed, now: now) == [])
        #expect(watch.handle(.holds(set: "debian", sequence: 4), now: now) == [])
        // A still newer one, later.
        #expect(
            watch.handle(.greeted(neighbour: "m3", heads: [Self.claim(6)]), now: now)
                == [.fetch(Self.claim(6), from: try neighbour("m3"))])
    }

    @Test("Who claims what it cannot show does not keep the mirror from a true head, and is asked again a round later")
    func liar() throws {
        var watch = alone()
        let now = Duration.seconds(21)
        let lie = Self.claim(1_000_000, copy: 1)
        #expect(
            watch.handle(.greeted(neighbour: "m2", heads: [lie]), now: now) == [.fetch(lie, from: try neighbour("m2"))])
        #expect(watch.handle(.greeted(neighbour: "m3", heads: [Self.claim(4)]), now: now) == [])
        #expect(
            watch.handle(.refused(lie, neighbour: "m2"), now: now)
                == [.fetch(Self.claim(4), from: try neighbour("m3"))])
        #expect(
            watch.handle(.verified(Self.claim(4)), now: now)
                == [.follow(Self.claim(4), sources: [try neighbour("m3")])])
        let later = watch.handle(.passed, now: .seconds(80))
        #expect(later.contains(.fetch(lie, from: try neighbour("m2"))))
        #expect(
            later.contains(.follow(Self.claim(4), sources: [try neighbour("m3")])),
            "what came to nothing is tried again")
    }

    @Test("What is remembered of a neighbour that lies without end is bounded, and gone with the neighbour")
    func boundedRefusals() {
        let now = Duration.seconds(21)
        var watch = alone()
        for copy in 1...8 as ClosedRange<UInt8> {
            _ = watch.handle(.refused(Self.claim(9, copy: copy), neighbour: "m2"), now: now)
        }
        let full = watch
        for copy in 9...200 as ClosedRange<UInt8> {
            _ = watch.handle(.refused(Self.claim(9, copy: copy), neighbour: "m2"), now: now)
            _ = watch.handle(.refused(Self.claim(9, copy: copy), neighbour: "m\(copy)"), now: now)
        }
        #expect(watch == full)
        // Who was refused so often is not asked for what it claims next.
        #expect(watch.handle(.greeted(neighbour: "m2", heads: [Self.claim(10)]), now: now) == [])
        // Without the neighbour it is as if it never had said a word.
        let others = Neighbourhood(sets: ["debian"], neighbours: Self.neighbours.filter { $0.name != "m2" })
        var innocent = alone()
        _ = innocent.handle(.appointed(others), now: now)
        _ = watch.handle(.appointed(others), now: now)
        #expect(watch == innocent)
    }

    @Test("Sets that the mirror does not follow, and hosts that it was not told of, are nothing to it")
    func strangers() {
        var watch = alone()
        let now = Duration.seconds(21)
        #expect(watch.handle(.greeted(neighbour: "m9", heads: [Self.claim(9)]), now: now) == [])
        #expect(watch.handle(.greeted(neighbour: "m2", heads: [Self.claim(9, set: "iso")]), now: now) == [])
        #expect(watch.handle(.greeted(neighbour: "m2", heads: []), now: now) == [])
    }

    @Test("When the coordinator answers again, what was heard meanwhile is left to it")
    func back() {
        var watch = alone()
        let now = Duration.seconds(21)
        _ = watch.handle(.greeted(neighbour: "m2", heads: [Self.claim(4)]), now: now)
        #expect(watch.handle(.pollAnswered, now: now) == [])
        #expect(watch.handle(.verified(Self.claim(4)), now: now) == [])
        #expect(watch.handle(.passed, now: .seconds(1_000)) == [])
    }
}

@Suite("Neighbourhoods")
struct NeighbourhoodTests {
    private func fleet(_ mirrors: [MirrorPolicy]) -> Fleet {
        Fleet(
            name: "lab",
            coordinator: CoordinatorPolicy(
                listen: NetworkAddress(host: "c", port: 1), address: NetworkAddress(host: "c", port: 1), statePath: "s",
                reportIntervalSeconds: 30),
            trust: TrustPolicy(folder: "trust"),
            sets: [SetPolicy(name: "debian", origin: "origin"), SetPolicy(name: "iso", origin: "origin")],
            mirrors: mirrors)
    }

    private func mirror(_ name: String, sets: [String] = ["debian"], override: MirrorOverride? = nil) -> MirrorPolicy {
        MirrorPolicy(
            name: name, role: name == "origin" ? .origin : .mirror, address: NetworkAddress(host: name, port: 7_444),
            sets: sets, override: override)
    }

    @Test("In a small fleet everybody knows everybody that carries a set of its own")
    func small() throws {
        let all = fleet([
            mirror("origin", sets: ["debian", "iso"]), mirror("m1"), mirror("m2", sets: ["debian", "iso"]),
            mirror("m3", sets: ["iso"]),
        ]).neighbourhoods()
        #expect(all["m1"]?.sets == ["debian"])
        #expect(all["m1"]?.neighbours.map(\.name) == ["m2", "origin"])
        #expect(all["m2"]?.sets == ["debian", "iso"])
        #expect(all["m2"]?.neighbours.map(\.name) == ["m1", "m3", "origin"])
        #expect(all["m3"]?.neighbours.map(\.name) == ["m2", "origin"])
        // An origin follows nobody.
        #expect(all["origin"]?.sets == [])
    }

    @Test("Who is paused or drained follows nothing and is nobody's neighbour")
    func paused() throws {
        let all = fleet([
            mirror("origin"), mirror("m1", override: .paused), mirror("m2"), mirror("m3", override: .drained),
        ]).neighbourhoods()
        #expect(all["m1"] == Neighbourhood())
        #expect(all["m3"] == Neighbourhood())
        #expect(all["m2"]?.neighbours.map(\.name) == ["origin"])
    }

    @Test("In a large fleet a mirror knows few, and news reaches all in few steps", arguments: [2, 17, 1_000])
    func large(count: Int) throws {
        let names = (0..<count).map { "m\($0)" }
        let all = fleet([mirror("origin")] + names.map { mirror($0) }).neighbourhoods()
        let knows = all.mapValues { Set($0.neighbours.map(\.name)) }
        #expect(knows.values.map(\.count).max() ?? 0 <= 12)
        // Who has a neighbour with the news has it a step later; without the origin, from one mirror on.
        var reached: Set<String> = ["m0"]
        var steps = 0
        while reached.count < count, steps < 20 {
            reached.formUnion(names.filter { !knows[$0, default: []].isDisjoint(with: reached) })
            steps += 1
        }
        #expect(reached.count == count)
        #expect(steps <= 11)
    }
}
