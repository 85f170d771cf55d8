import FleetModel
import Testing
import Trust
import UpdateFramework

private func fleet(_ binding: SetBinding, regions: [String: String] = ["m1": "eu", "m2": "us"]) -> Fleet {
    Fleet(
        name: "example",
        coordinator: CoordinatorPolicy(
            listen: NetworkAddress(host: "::1", port: 1), address: NetworkAddress(host: "::1", port: 1),
            statePath: "/s", reportIntervalSeconds: 30),
        trust: TrustPolicy(folder: "/t"), sets: [SetPolicy(name: "debian", origin: "origin1", binding: binding)],
        mirrors: [MirrorPolicy(name: "origin1", role: .origin, address: NetworkAddress(host: "::1", port: 2))]
            + regions.sorted { $0.key < $1.key }.map {
                MirrorPolicy(name: $0.key, region: $0.value, address: NetworkAddress(host: $0.key, port: 2))
            })
}

@Suite("What of fleet.yaml needs a signature")
struct SignatureNeedTests {
    private let signed = ["debian": SignedPolicy(flipQuorum: 2, maxDelete: 30)]

    @Test("What is signed and what the file says are compared both ways")
    func differences() {
        #expect(fleet(SetBinding(flipQuorum: 2, maxDelete: 30)).signatureNeeds(signed: signed).lines == [])
        let needs = fleet(SetBinding(flipQuorum: 1, maxShrink: 5)).signatureNeeds(signed: signed)
        #expect(
            needs.lines.map(\.description)
                == [
                    "debian: flip_quorum: 1, was 2", "debian: max_delete: not said, was 30%",
                    "debian: max_shrink: 5%, was not said",
                ])
        #expect(needs.policies == ["debian": SignedPolicy(flipQuorum: 1, maxShrink: 5)])
        #expect(fleet(SetBinding(flipQuorum: 0)).signatureNeeds(signed: [:]).policies == [:])
    }

    @Test("What was taken out of the file is to be signed away, also the last of a set")
    func removedKeys() {
        let needs = fleet(SetBinding()).signatureNeeds(signed: signed)
        #expect(
            needs.lines.map(\.description)
                == ["debian: flip_quorum: not said, was 2", "debian: max_delete: not said, was 30%"])
        #expect(needs.policies == ["debian": SignedPolicy()])
        let rule = ["debian": SignedPolicy(fetch: FetchRule(mirrors: ["m1"]))]
        #expect(
            fleet(SetBinding()).signatureNeeds(signed: rule).lines.map(\.description)
                == ["debian: fetch: not said, was mirror=m1"])
    }

    @Test("What is signed of a set that the file has no more is named, and not signed away")
    func otherSets() {
        let signed = self.signed.merging(["iso": SignedPolicy(maxDelete: 5), "old": SignedPolicy(flipQuorum: 1)]) { $1 }
        let fleet = fleet(SetBinding(flipQuorum: 2, maxDelete: 30))
        #expect(fleet.signatureNeeds(signed: signed).lines == [])
        #expect(
            fleet.policiesOfOtherSets(signed: signed).map { "\($0.set) \($0.key) \($0.signed)" } == [
                "iso max_delete 5%", "old flip_quorum 1",
            ])
        #expect(fleet.policiesOfOtherSets(signed: self.signed) == [])
    }

    @Test("A region stands for its hosts, so a host that moves needs a signature; the origin may always fetch")
    func regions() {
        let binding = SetBinding(fetch: FetchPolicy(mirrors: ["m2"], regions: ["eu"]))
        let needs = fleet(binding).signatureNeeds(signed: [:])
        let rule = FetchRule(mirrors: ["m2", "origin1"], regions: ["eu": ["m1"]])
        #expect(needs.policies == ["debian": SignedPolicy(fetch: rule)])
        let signed = needs.policies
        #expect(fleet(binding).signatureNeeds(signed: signed).lines == [])
        let moved = fleet(binding, regions: ["m1": "eu", "m2": "us", "m3": "eu"]).signatureNeeds(signed: signed)
        #expect(
            moved.lines.map(\.description)
                == ["debian: fetch: mirror=m2,origin1 region=eu (m1, m3), was mirror=m2,origin1 region=eu (m1)"])
    }

    @Test("The stricter of agent.yaml and of what is signed counts; without either, what hosts do by themselves")
    func stricter() {
        func removals(_ own: Int?, _ signed: Int?) -> RemovalLimits {
            AgentTrustSettings(rootPath: "r", maxDelete: own, maxShrink: own)
                .removals(under: SignedPolicy(maxDelete: signed, maxShrink: signed))
        }
        for (own, signed, counts) in [(nil, nil, 20), (50, nil, 50), (nil, 50, 50), (10, 50, 10), (50, 10, 10)] {
            #expect(removals(own, signed) == RemovalLimits(maxDelete: counts, maxShrink: counts))
        }
        let own = AgentTrustSettings(rootPath: "r", flipQuorum: 2)
        #expect(own.flipQuorum(under: SignedPolicy()) == 2 && own.flipQuorum(under: SignedPolicy(flipQuorum: 3)) == 3)
    }
}
