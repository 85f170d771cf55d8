/// Whom a host tells its neighbours of, and whom it links to because they told it: so a swarm grows together that a plan
/// has joined by few links, or none.
///
/// Pure. What a neighbour says is a hint: whoever answers at an address must show a certificate of the fleet with that
/// name, and everything bounds what a liar costs: names of one neighbour, attempts in all, and failures after which it is
/// not listened to. docs/formats/swarm.md has the message.
package struct PeerExchange: Hashable, Sendable {
    /// Links that a host has, those of its plan among them.
    package static let linkLimit = 24
    /// Members that are taken of one neighbour.
    package static let namesPerNeighbour = 32
    /// Attempts to link to members that neighbours named, in all.
    package static let attemptLimit = 48
    /// Attempts that may fail of what one neighbour named.
    package static let failuresPerNeighbour = 3
    /// Attempts under way.
    package static let dialLimit = 4

    /// What came of an attempt.
    package enum Outcome: Hashable, Sendable {
        /// It is linked to, at the address that was named.
        case linked
        /// It linked to this host meanwhile, or is left out; whether the address is right is not known.
        case needless
        case failed
    }

    private let name: String
    /// Members whose address is known: of the plan, or linked to at that address.
    private var addresses: [String: SwarmMember]
    private var linked: Set<String> = []
    /// Who named a member that is to be tried, or is being.
    private var namedBy: [String: String] = [:]
    private var waiting: [SwarmMember] = []
    private var dialled: [String: SwarmMember] = [:]
    private var tried: Set<String>
    private var attempts = 0
    private var names: [String: Int] = [:]
    private var failures: [String: Int] = [:]
    private var told: [String: [SwarmMember]] = [:]

    /// - Parameters:
    ///   - name: this host's.
    ///   - planned: members of the plan: they are linked to anyway.
    package init(name: String, planned: [SwarmMember]) {
        self.name = name
        addresses = Dictionary(planned.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        tried = Set(planned.map(\.name)).union([name])
    }

    /// A host is linked.
    package mutating func linked(to host: String) {
        linked.insert(host)
        waiting.removeAll { $0.name == host }
    }

    /// A link is gone.
    package mutating func unlinked(from host: String) {
        linked.remove(host)
        told[host] = nil
    }

    /// What a linked host should be told now: members that this one is linked to; nil if that is what it was told last.
    package mutating func offer(to host: String) -> [SwarmMember]? {
        let members = linked.subtracting([host]).sorted().compactMap { addresses[$0] }
            .prefix(SwarmMessage.memberLimit)
        guard told[host] ?? [] != Array(members) else { return nil }
        told[host] = Array(members)
        return Array(members)
    }

    /// A linked host named members; who should be tried now.
    package mutating func heard(_ members: [SwarmMember], from host: String) -> [SwarmMember] {
        guard linked.contains(host), failures[host, default: 0] < Self.failuresPerNeighbour else { return [] }
        for member in members {
            guard names[host, default: 0] < Self.namesPerNeighbour else { break }
            guard !linked.contains(member.name), tried.insert(member.name).inserted else { continue }
            names[host, default: 0] += 1
            namedBy[member.name] = host
            waiting.append(member)
        }
        return dial()
    }

    /// An attempt is over. Who should be tried next.
    package mutating func ended(_ member: String, _ outcome: Outcome) -> [SwarmMember] {
        guard let dialledMember = dialled.removeValue(forKey: member) else { return [] }
        let host = namedBy.removeValue(forKey: member)
        switch outcome {
        case .linked: addresses[member] = dialledMember
        case .needless: break
        case .failed:
            guard let host else { break }
            failures[host, default: 0] += 1
            // Another neighbour may know better where it is.
            tried.remove(member)
            if failures[host, default: 0] >= Self.failuresPerNeighbour {
                waiting.removeAll { namedBy[$0.name] == host }
            }
        }
        return dial()
    }

    private mutating func dial() -> [SwarmMember] {
        var next: [SwarmMember] = []
        while dialled.count < Self.dialLimit, attempts < Self.attemptLimit, !waiting.isEmpty,
            linked.count + dialled.count < Self.linkLimit
        {
            let member = waiting.removeFirst()
            attempts += 1
            dialled[member.name] = member
            next.append(member)
        }
        return next
    }
}
