import FleetModel
import FoundationEssentials
import Planning
import Testing
import TestSupport

@Suite("A plan follows from its input alone")
struct PlannerTests {
    @Test("The same input in any order gives the same bytes")
    func deterministic() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var random = SplitMix64(test: "equal plans", fallback: 0x5eed_0003)
        var actions: Set<PlanAction> = []
        for _ in 0..<100 {
            var input = RandomFleet(&random)
            let plan = input.plan()
            actions.formUnion(plan.lines.map(\.action))
            let bytes = try encoder.encode(plan)
            for _ in 0..<4 {
                input.shuffle(&random)
                #expect(try encoder.encode(input.plan()) == bytes)
            }
        }
        #expect(actions == Set(PlanAction.allCases))
    }

    @Test("No plan breaks a rule, whatever the state of the fleet")
    func rules() throws {
        var random = SplitMix64(test: "rules of plans", fallback: 0x5eed_0004)
        for _ in 0..<300 {
            let input = RandomFleet(&random)
            let plan = input.plan()
            let status = StatusComputation.status(
                fleet: input.fleet, releases: input.releases, inventory: input.inventory, now: input.now)
            let states = Dictionary(uniqueKeysWithValues: status.mirrors.map { ($0.name, $0) })
            let carried = input.fleet.mirrors.reduce(0) { $0 + $1.sets.count }
            #expect(plan.lines.count == carried)
            for line in plan.lines {
                #expect(!line.reason.text.isEmpty)
                #expect(line.action == .none || !line.sources.isEmpty)
                guard line.action != .none else { continue }
                let target = try #require(states[line.mirror])
                let others = plan.lines.filter {
                    $0.action != .none && $0.set == line.set && $0.mirror != line.mirror
                }
                #expect(line.peers.map(\.name) == others.map(\.mirror).sorted())
                #expect(line.region == input.fleet.mirrors.first { $0.name == line.mirror }?.region)
                #expect([.failing, .syncing, .lagging, .inSync].contains(target.state))
                let set = try #require(target.sets.first { $0.name == line.set })
                if target.state == .failing { #expect(set.state == .failing) }
                for source in line.sources {
                    #expect(source.name != line.mirror)
                    let mirror = try #require(states[source.name])
                    #expect([.syncing, .lagging, .inSync].contains(mirror.state))
                    let held = mirror.sets.first { $0.name == line.set }
                    #expect(mirror.role == .origin || held?.root == line.root)
                }
            }
        }
    }

    @Test("In a large ring everybody has few peers, is the peer of those, and reaches all others in few steps")
    func ring() {
        for count in [22, 23, 64, 100, 1_000] {
            let ring = (0..<count).map { number in
                PlanSource(
                    name: "m\(1_000 + number)", address: NetworkAddress(host: "h", port: 1), sequence: 1)
            }
            let peers = Dictionary(
                uniqueKeysWithValues: ring.map { ($0.name, Set(PeerChoice.peers(of: $0.name, in: ring).map(\.name))) })
            for (name, others) in peers {
                #expect((1...20).contains(others.count) && !others.contains(name))
                #expect(others.allSatisfy { peers[$0]?.contains(name) == true })
            }
            var reached: Set = [ring[0].name]
            var steps = 0
            while reached.count < count, steps < 8 {
                reached = reached.reduce(into: reached) { $0.formUnion(peers[$1] ?? []) }
                steps += 1
            }
            #expect(reached.count == count, "\(count) mirrors in \(steps) steps")
        }
    }

    @Test("A plan names its parent and is never changed by making the next one")
    func chained() {
        var random = SplitMix64(seed: 7)
        let input = RandomFleet(&random)
        let first = input.plan(parent: nil, number: 1)
        let second = input.plan(parent: first.generation, number: 2)
        #expect(second.parent == first.generation)
        #expect(first.generation < second.generation)
        #expect(first.lines == second.lines)
    }
}

/// A fleet in a random state.
struct RandomFleet {
    var fleet: Fleet
    var releases: [RegisteredRelease] = []
    var inventory: [MirrorObservation] = []
    let now: Int64 = 10_000

    init(_ random: inout SplitMix64) {
        let regions = ["eu", "us"]
        let address = NetworkAddress(host: "127.0.1.1", port: 1)
        var mirrors = [
            MirrorPolicy(name: "origin", role: .origin, region: "eu", address: address, sets: ["debian", "iso"])
        ]
        for index in 0..<Int(1 + random.next() % 6) {
            let sets = [["debian"], ["iso"], ["debian", "iso"]].randomElement(using: &random) ?? []
            mirrors.append(
                MirrorPolicy(
                    name: "m\(index)", region: regions.randomElement(using: &random) ?? "eu", address: address,
                    sets: sets,
                    override: random.next() % 8 == 0 ? MirrorOverride.allCases.randomElement(using: &random) : nil))
        }
        fleet = Fleet(
            name: "random",
            coordinator: CoordinatorPolicy(
                listen: address, address: address, statePath: "s", reportIntervalSeconds: 10),
            trust: TrustPolicy(folder: "trust"),
            sets: [
                SetPolicy(name: "debian", origin: "origin", maxLagSeconds: 100),
                SetPolicy(name: "iso", origin: "origin"),
            ], mirrors: mirrors)
        for set in ["debian", "iso"] {
            for sequence in 0..<(random.next() % 4) {
                releases.append(
                    RegisteredRelease(
                        set: set, sequence: sequence + 1, digest: "d\(sequence + 1)", root: "r\(sequence + 1)",
                        files: 1,
                        entries: 1, bytes: random.next() % 40_000_000_000, publishedAt: 0,
                        registeredAt: 9_000 + Int64(sequence) * 300))
            }
        }
        for mirror in mirrors where random.next() % 8 != 0 { inventory.append(Self.observe(mirror, now, &random)) }
    }

    private static func observe(_ mirror: MirrorPolicy, _ now: Int64, _ random: inout SplitMix64) -> MirrorObservation {
        let sets = mirror.sets.map { name in
            let sequence = mirror.role == .origin ? 3 : random.next() % 4
            var set = SetReport(name: name)
            if sequence > 0 {
                set.sequence = sequence
                set.root = random.next() % 12 == 0 ? "other" : "r\(sequence)"
                set.release = "d\(sequence)"
            }
            set.activity = random.next() % 6 == 0 ? .syncing : .idle
            if random.next() % 10 == 0 {
                set.badPaths = [BadPathReport(path: "p", blob: "b", reason: "r", bytes: random.next() % 1_000)]
            }
            if random.next() % 5 == 0 { set.missingBytes = random.next() % 1_000_000_000 }
            if random.next() % 10 == 0 {
                set.lastFailure = "failed"
                set.failedAttempts = random.next() % 5
            }
            return set
        }
        let report = MirrorReport(
            mirror: mirror.name, number: 1, agentVersion: "1",
            disk: DiskReport(
                totalBytes: 100_000_000_000, freeBytes: random.next() % 100_000_000_000, storeBytes: 0),
            sets: sets)
        let age = random.next() % 4 == 0 ? Int64(random.next() % 200) : 5
        return MirrorObservation(report: report, receivedAt: now - age)
    }

    mutating func shuffle(_ random: inout SplitMix64) {
        fleet.sets.shuffle(using: &random)
        fleet.mirrors.shuffle(using: &random)
        releases.shuffle(using: &random)
        inventory.shuffle(using: &random)
        for index in inventory.indices { inventory[index].report.sets.shuffle(using: &random) }
    }

    func plan(parent: Generation? = nil, number: UInt64 = 1) -> Plan {
        Planner.plan(
            fleet: fleet, releases: releases, inventory: inventory, request: PlanRequest(), parent: parent,
            generation: Generation(term: 1, number: number), now: now)
    }
}
