import FleetModel

/// A small fleet for tests: one origin, mirrors m1 and m2, sets debian and iso; a report every 10 s.
struct SampleFleet {
    var fleet: Fleet = Fleet(
        name: "sample",
        coordinator: CoordinatorPolicy(
            listen: NetworkAddress(host: "127.0.1.1", port: 7443),
            address: NetworkAddress(host: "127.0.1.1", port: 7443), statePath: "coordinator", reportIntervalSeconds: 10),
        trust: TrustPolicy(folder: "trust", keeper: "origin1"),
        sets: [
            SetPolicy(name: "debian", origin: "origin", replicas: 2, maxLagSeconds: 60),
            SetPolicy(name: "iso", origin: "origin", replicas: 1, maxLagSeconds: 60),
        ],
        mirrors: [
            SampleFleet.policy("m2", 4), SampleFleet.policy("m1", 3),
            MirrorPolicy(
                name: "origin", role: .origin, region: "eu", address: NetworkAddress(host: "127.0.1.2", port: 7444),
                sets: ["debian", "iso"]),
        ])
    var releases: [RegisteredRelease] = []
    var inventory: [MirrorObservation] = []
    var now: Int64 = 1_000

    static func policy(_ name: String, _ host: Int) -> MirrorPolicy {
        MirrorPolicy(
            name: name, region: "eu", address: NetworkAddress(host: "127.0.1.\(host)", port: 7444),
            sets: ["debian", "iso"])
    }

    static func release(_ set: String, _ sequence: UInt64, at time: Int64, bytes: UInt64 = 1_000_000)
        -> RegisteredRelease
    {
        RegisteredRelease(
            set: set, sequence: sequence, digest: "digest-\(set)-\(sequence)", root: root(set, sequence), files: 10,
            entries: 12, bytes: bytes, publishedAt: time - 5, registeredAt: time)
    }

    static func root(_ set: String, _ sequence: UInt64) -> String { "root-\(set)-\(sequence)" }

    /// A sound report of a set.
    static func set(_ name: String, _ sequence: UInt64?) -> SetReport {
        SetReport(
            name: name, sequence: sequence, root: sequence.map { root(name, $0) },
            release: sequence.map { "digest-\(name)-\($0)" }, verifiedAt: sequence.map { _ in 900 })
    }

    static func report(_ mirror: String, _ sets: [SetReport]) -> MirrorReport {
        MirrorReport(
            mirror: mirror, number: 7, agentVersion: "1.0",
            disk: DiskReport(totalBytes: 100_000_000_000, freeBytes: 50_000_000_000, storeBytes: 1_000_000), sets: sets,
            connections: [ConnectionReport(peer: "origin", group: "X25519MLKEM768")])
    }

    mutating func see(
        _ mirror: String, _ sets: [SetReport], at time: Int64? = nil, named: [String: [UInt64: Int64]] = [:],
        change: (inout MirrorReport) -> Void = { _ in }
    ) {
        var report = Self.report(mirror, sets)
        change(&report)
        inventory.removeAll { $0.report.mirror == mirror }
        inventory.append(MirrorObservation(report: report, receivedAt: time ?? now, firstNamed: named))
    }

    /// Both sets released and on every mirror.
    static var inSync: SampleFleet {
        var sample = SampleFleet()
        sample.releases = [release("debian", 1, at: 500), release("debian", 2, at: 900), release("iso", 1, at: 500)]
        for name in ["origin", "m1", "m2"] {
            sample.see(
                name, [set("debian", 2), set("iso", 1)], named: ["debian": [1: 510, 2: 958], "iso": [1: 510]])
        }
        return sample
    }

    var status: FleetStatus {
        StatusComputation.status(
            fleet: fleet, releases: releases, inventory: inventory, trust: ["debian": SetTrust(threshold: 1, keys: 2)],
            now: now)
    }

    func mirror(_ name: String) -> MirrorStatus? { status.mirrors.first { $0.name == name } }

    func set(_ set: String, on mirror: String) -> MirrorSetStatus? {
        self.mirror(mirror)?.sets.first { $0.name == set }
    }
}
