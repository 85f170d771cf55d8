import FleetModel

/// A small fleet: the sets `debian` and `iso`, the origin `origin`, the mirrors `m1` and `m2`.
func sampleFleet(listen: NetworkAddress = NetworkAddress(host: "127.0.0.1", port: 0)) -> Fleet {
    Fleet(
        name: "lab",
        coordinator: CoordinatorPolicy(
            listen: listen, address: listen, statePath: "/nonexistent", reportIntervalSeconds: 30),
        trust: TrustPolicy(folder: "trust"),
        sets: ["debian", "iso"].map { SetPolicy(name: $0, origin: "origin", replicas: 2) },
        mirrors: [
            MirrorPolicy(
                name: "origin", role: .origin, address: NetworkAddress(host: "127.0.0.1", port: 7001),
                sets: ["debian", "iso"]),
            MirrorPolicy(
                name: "m1", address: NetworkAddress(host: "127.0.0.1", port: 7002), sets: ["debian", "iso"]),
            MirrorPolicy(name: "m2", address: NetworkAddress(host: "127.0.0.1", port: 7003), sets: ["debian"]),
        ])
}

/// A report of `mirror` that serves the given releases.
func sampleReport(
    _ mirror: String, number: UInt64, startedAt: Int64 = 1_000, serving: [(set: String, sequence: UInt64)] = []
) -> MirrorReport {
    MirrorReport(
        mirror: mirror, number: number, agentVersion: "0.1.0", startedAt: startedAt,
        disk: DiskReport(totalBytes: 1 << 40, freeBytes: 1 << 39, storeBytes: 0),
        sets: serving.map { SetReport(name: $0.set, sequence: $0.sequence, root: sampleRoot($0.sequence)) })
}

/// The root that sample releases and reports give to a sequence.
func sampleRoot(_ sequence: UInt64) -> String {
    let digits = String(sequence, radix: 16)
    return String(repeating: "0", count: 64 - digits.count) + digits
}

/// A registered release.
func sampleRelease(_ set: String, _ sequence: UInt64, digest: String = "aa", registeredAt: Int64 = 0)
    -> RegisteredRelease
{
    RegisteredRelease(
        set: set, sequence: sequence, digest: digest, root: sampleRoot(sequence), files: 3, entries: 5, bytes: 70,
        publishedAt: 0, registeredAt: registeredAt)
}
