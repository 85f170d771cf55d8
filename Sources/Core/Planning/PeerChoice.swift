package import FleetModel

/// With whom each target of a plan exchanges what it has, while all of them fetch the same release.
///
/// Up to ``everybodyLimit`` targets each knows all others. Beyond that each knows those that are 1, 2, 4, 8, ... places on
/// in the ring of the targets by name, and those that are as far behind: so few that no host is called by everybody, and
/// every pair is joined by few steps.
package struct PeerChoice {
    private static let everybodyLimit = 20
    private static let peerLimit = 16

    let lines: [PlanLine]

    /// - Parameters:
    ///   - lines: of a plan, without peers.
    ///   - mirrors: every mirror, sorted by name.
    init(_ lines: [PlanLine], mirrors: [MirrorAssessment]) {
        let policies = Dictionary(mirrors.map { ($0.policy.name, $0.policy) }, uniquingKeysWith: { first, _ in first })
        var rings: [String: [PlanSource]] = [:]
        for line in lines where line.action != .none {
            guard let policy = policies[line.mirror], let sequence = line.sequence else { continue }
            rings[line.set, default: []].append(
                PlanSource(name: policy.name, address: policy.address, sequence: sequence, region: policy.region))
        }
        for (set, ring) in rings { rings[set] = ring.sorted { $0.name < $1.name } }
        self.lines = lines.map { line in
            guard line.action != .none, let ring = rings[line.set] else { return line }
            var line = line
            line.region = policies[line.mirror]?.region
            line.peers = Self.peers(of: line.mirror, in: ring)
            return line
        }
    }

    /// The peers of one of the targets of a release, which are sorted by name.
    package static func peers(of mirror: String, in ring: [PlanSource]) -> [PlanSource] {
        guard ring.count - 1 > everybodyLimit, let place = ring.firstIndex(where: { $0.name == mirror }) else {
            return ring.filter { $0.name != mirror }
        }
        var places: [Int] = []
        var step = 1
        while places.count < peerLimit, step < ring.count {
            for other in [(place + step) % ring.count, (place + ring.count - step) % ring.count]
            where other != place && !places.contains(other) && places.count < peerLimit {
                places.append(other)
            }
            step *= 2
        }
        return places.sorted().map { ring[$0] }
    }
}
