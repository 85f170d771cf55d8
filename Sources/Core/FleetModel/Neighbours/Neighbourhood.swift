/// What a mirror needs to go on when its coordinator is lost: what it is meant to carry, and whom to greet.
///
/// It comes from the coordinator and can only narrow: every release is verified by the publisher's signature, and every
/// neighbour by its certificate, whatever stands here.
package struct Neighbourhood: Codable, Sendable, Hashable {
    /// The sets that the mirror follows by itself, ascending: those that it carries and does not publish; none while it
    /// is paused or drained.
    package var sets: [String]
    /// Mirrors that carry some of them, their origins among them, ascending by name.
    package var neighbours: [Neighbour]
    /// How much the mirror may send and receive when; nil: as much as it can.
    package var bandwidth: BandwidthPolicy?
    /// How releases spread; nil: as agents do by themselves.
    package var swarm: SwarmPolicy?

    /// Makes the value from its parts; nothing is checked.
    package init(
        sets: [String] = [], neighbours: [Neighbour] = [], bandwidth: BandwidthPolicy? = nil,
        swarm: SwarmPolicy? = nil
    ) {
        self.sets = sets
        self.neighbours = neighbours
        self.bandwidth = bandwidth
        self.swarm = swarm
    }

    /// The most sets and neighbours that an agent takes; further ones are dropped.
    package static let limit = 1_024

    /// Itself without what is above the limits.
    package var bounded: Neighbourhood {
        Neighbourhood(
            sets: Array(sets.prefix(Self.limit)), neighbours: Array(neighbours.prefix(Self.limit)),
            bandwidth: bandwidth?.bounded, swarm: swarm?.bounded)
    }
}

/// Another host of the fleet and where its agent listens.
package struct Neighbour: Codable, Sendable, Hashable {
    /// Its name, equal to the name in its certificate.
    package var name: String
    /// Where other agents reach it.
    package var address: NetworkAddress

    /// Makes the value from its parts; nothing is checked.
    package init(name: String, address: NetworkAddress) {
        self.name = name
        self.address = address
    }
}

extension Fleet {
    /// The neighbourhood of every mirror, by name.
    ///
    /// Of each set a mirror knows the origin and, in the ring of the set's carriers by name, those 1, 2, 4, 8, ...
    /// places on: so few that no host is called by everybody, and news passes through the whole ring in as many steps
    /// as its length has binary digits. A small fleet knows everybody. A mirror that is paused or drained follows nothing
    /// and is nobody's neighbour.
    package func neighbourhoods() -> [String: Neighbourhood] {
        let active = mirrors.filter { $0.override == nil }
        var sets: [String: [String]] = [:]
        var known: [String: Set<String>] = [:]
        for set in self.sets {
            let ring = active.filter { $0.sets.contains(set.name) || $0.name == set.origin }.map(\.name).sorted()
            for (place, name) in ring.enumerated() where name != set.origin {
                sets[name, default: []].append(set.name)
                if ring.contains(set.origin) { known[name, default: []].insert(set.origin) }
                var step = 1
                while step < ring.count {
                    known[name, default: []].insert(ring[(place + step) % ring.count])
                    step *= 2
                }
            }
        }
        let addresses = Dictionary(active.map { ($0.name, $0.address) }, uniquingKeysWith: { first, _ in first })
        return Dictionary(
            mirrors.map { mirror in
                let names = known[mirror.name, default: []].subtracting([mirror.name]).sorted()
                let neighbours = names.compactMap { name in
                    addresses[name].map { Neighbour(name: name, address: $0) }
                }
                return (
                    mirror.name,
                    Neighbourhood(
                        sets: sets[mirror.name, default: []].sorted(), neighbours: neighbours,
                        bandwidth: bandwidth(of: mirror.name), swarm: swarm == SwarmPolicy() ? nil : swarm)
                )
            }, uniquingKeysWith: { first, _ in first })
    }
}
