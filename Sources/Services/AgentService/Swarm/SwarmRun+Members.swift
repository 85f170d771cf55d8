import Swarm

/// Telling neighbours of each other: the shell of ``PeerExchange``.
extension SwarmRun {
    /// A neighbour named members.
    func heard(_ members: [SwarmMember], from host: String) {
        dial { $0.heard(members, from: host) }
    }

    /// An attempt to link to a member is over.
    func ended(_ member: SwarmMember, _ outcome: PeerExchange.Outcome) {
        dial { $0.ended(member.name, outcome) }
    }

    private func dial(_ event: (inout PeerExchange) -> [SwarmMember]) {
        for member in exchange(event) { offer(member) }
    }
}
