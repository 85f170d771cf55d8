import FleetModel
import Testing

@Suite("What is unsafe about a changed fleet.yaml")
struct PolicyRulesTests {
    private static let head = RegisteredRelease(
        set: "debian", sequence: 7, digest: "d", root: "root", files: 1, entries: 1, bytes: 1, publishedAt: 1,
        registeredAt: 1)

    private static func mirror(_ name: String, _ role: MirrorRole = .mirror, sets: [String] = ["debian"])
        -> MirrorPolicy
    {
        MirrorPolicy(name: name, role: role, address: NetworkAddress(host: name, port: 1), sets: sets)
    }

    private static let fleet = Fleet(
        name: "lab",
        coordinator: CoordinatorPolicy(
            listen: NetworkAddress(host: "c", port: 1), address: NetworkAddress(host: "c", port: 1), statePath: "/s",
            reportIntervalSeconds: 30),
        trust: TrustPolicy(folder: "/t"),
        sets: [SetPolicy(name: "debian", origin: "o", source: "/srv/a", replicas: 1)],
        mirrors: [mirror("o", .origin), mirror("m1"), mirror("m2")])

    private func observation(_ mirror: String, _ sequence: UInt64, bad: Bool = false) -> MirrorObservation {
        var set = SetReport(name: "debian", sequence: sequence, root: "root")
        if bad { set.badPaths = [BadPathReport(path: "x", blob: "b", reason: "rot")] }
        return MirrorObservation(
            report: MirrorReport(
                mirror: mirror, number: 1, agentVersion: "1", startedAt: 1,
                disk: DiskReport(totalBytes: 1, freeBytes: 1, storeBytes: 0), sets: [set]),
            receivedAt: 1)
    }

    private func codes(
        holding: [String] = ["o", "m1", "m2"], bad: Set<String> = [], overrides: [HostOverride] = [],
        _ change: (inout Fleet) -> Void
    ) -> [PolicyRefusal.Code] {
        var new = Self.fleet
        change(&new)
        let observations = ["o", "m1", "m2"].map {
            observation($0, holding.contains($0) ? 7 : 6, bad: bad.contains($0))
        }
        return PolicyRules(
            from: Self.fleet, to: new, heads: ["debian": Self.head], observations: observations, overrides: overrides
        ).refusals().map(\.code)
    }

    private func without(_ names: String...) -> (inout Fleet) -> Void {
        { fleet in fleet.mirrors.removeAll { names.contains($0.name) } }
    }

    @Test("Nothing speaks against the same file, a new mirror, or a mirror less of those that hold a release")
    func safe() {
        #expect(codes { _ in } == [])
        #expect(codes { $0.mirrors.append(Self.mirror("m3")) } == [])
        #expect(codes(without("m2")) == [])
        #expect(codes(holding: ["o", "m2"], without("m1")) == [])
    }

    @Test("The only copy stays, whether its host goes or the set leaves the host; a damaged copy is none")
    func onlyCopy() {
        #expect(codes(holding: ["m2"], without("m2")) == [.onlyCopy])
        #expect(codes(holding: ["m2"]) { $0.mirrors[2].sets = [] } == [.onlyCopy])
        #expect(codes(holding: ["o", "m1", "m2"], bad: ["o", "m1"], without("m2")) == [.onlyCopy])
    }

    @Test("As many mirrors as the set asks for stay in step; the origin is not counted")
    func replicas() {
        #expect(codes(holding: ["o", "m2"], without("m2")) == [.replicas])
        #expect(
            codes {
                $0.mirrors.removeLast(); $0.sets[0].replicas = 2
            } == [.replicas])
    }

    @Test("What operators said of a host is not forgotten with it")
    func overridden() {
        let drained = HostOverride(mirror: "m2", kind: .drained, by: "alice", since: 1)
        #expect(codes(overrides: [drained], without("m2")) == [.override])
        #expect(codes(overrides: [drained], without("m1")) == [])
    }

    @Test("A set with releases keeps its name, its tree, its cut and an origin that can go on")
    func sets() {
        #expect(codes { $0.sets = [SetPolicy(name: "debian2", origin: "o")] } == [.setRemoved])
        #expect(codes { $0.sets[0].source = "/srv/b" } == [.setSource])
        #expect(codes { $0.sets[0].source = nil } == [])
        #expect(codes { $0.sets[0].chunkProfile = "images" } == [.chunks])
        #expect(codes(holding: ["o", "m1"]) { $0.sets[0].origin = "m2" } == [.setOrigin])
        #expect(codes(holding: ["o", "m1"]) { $0.sets[0].origin = "m1" } == [])
    }

    @Test("Another fleet and another state folder are refused, and cannot be allowed")
    func fleetRules() {
        #expect(codes { $0.name = "other" } == [.fleetName])
        #expect(codes { $0.coordinator.statePath = "/elsewhere" } == [.stateFolder])
        #expect(PolicyRefusal.Code.allCases.filter { !$0.canBeAllowed } == [.fleetName, .stateFolder, .override])
    }
}
