/// Decides when a mirror moves without its coordinator: a machine that is told what happens and says what to do.
///
/// While the coordinator answers, nothing is ever done: mirrors move only on plans then. Once it has been silent for long
/// enough the mirror calls its neighbours, whose greetings say which heads they have. A newer head is believed only when
/// the release itself was fetched from who claimed it and verified; only then does the mirror follow it, from all
/// neighbours that claim the same. Duties of the caller:
/// 1. Run every action; report each fetch with `verified` or `refused`, once.
/// 2. Say `passed` at the latest when ``nextCall`` has come.
package struct HeadWatch: Sendable, Hashable {
    /// How long to be patient.
    package struct Settings: Sendable, Hashable {
        /// Polls that fail in a row before the coordinator counts as away.
        package var failedPolls = 3
        /// And for so long they must have failed: a restart for an update takes less.
        package var silence = Duration.seconds(10)
        /// Between two rounds of calls.
        package var callInterval = Duration.seconds(60)

        package init() {}
    }

    /// What happens around the mirror.
    package enum Event: Sendable, Hashable {
        /// The coordinator answered a poll.
        case pollAnswered
        /// A poll failed.
        case pollFailed
        /// The coordinator, or the file that remembers its last word, says whom to know.
        case appointed(Neighbourhood)
        /// A neighbour greeted; these are all its heads.
        case greeted(neighbour: String, heads: [HeadClaim])
        /// The release was fetched from the neighbour and a publisher's signature makes it one newer than ours.
        case verified(HeadClaim)
        /// The neighbour could not show what it claimed, or it is no release to follow.
        case refused(HeadClaim, neighbour: String)
        /// The mirror's own head of a set.
        case holds(set: String, sequence: UInt64)
        /// Time passed.
        case passed
    }

    /// What the mirror does.
    package enum Action: Sendable, Hashable {
        /// Connect, so that both greet.
        case call(Neighbour)
        /// Fetch the signed release and verify it.
        case fetch(HeadClaim, from: Neighbour)
        /// Sync to this verified release from these.
        case follow(HeadClaim, sources: [Neighbour])
    }

    private let settings: Settings
    private var neighbourhood = Neighbourhood()
    private var failedPolls = 0
    /// The first failed poll after the last answer.
    private var failingSince: Duration?
    private var held: [String: UInt64] = [:]
    private var claims: [String: [HeadClaim]] = [:]
    /// What is being fetched, by set: one at a time.
    private var fetching: [String: HeadClaim] = [:]
    /// Claims that came to nothing in this round, by neighbour.
    private var refused: [String: Set<HeadClaim>] = [:]
    private var verified: [String: HeadClaim] = [:]
    private var followed: [String: HeadClaim] = [:]
    /// When the neighbours are called next, if the coordinator is away then.
    package private(set) var nextCall: Duration

    /// Who was refused so often is not asked again in this round, and no more of its refusals are kept.
    private static let refusalLimit = 8

    /// A mirror that has heard nothing yet. `now` is a time since any fixed moment, here and below.
    package init(settings: Settings = Settings(), now: Duration) {
        self.settings = settings
        nextCall = now
    }

    /// Whether the coordinator counts as away.
    package func isAlone(at now: Duration) -> Bool {
        guard let failingSince else { return false }
        return failedPolls >= settings.failedPolls && now - failingSince >= settings.silence
    }

    /// Takes what happened; what to do now, in order.
    package mutating func handle(_ event: Event, now: Duration) -> [Action] {
        switch event {
        case .pollAnswered:
            failedPolls = 0
            failingSince = nil
            // Whatever was followed goes on; what to do next is the coordinator's word again.
            verified = [:]
            followed = [:]
            nextCall = now
        case .pollFailed:
            // More make no difference, and a week without an answer must not overflow.
            failedPolls = min(failedPolls + 1, settings.failedPolls)
            failingSince = failingSince ?? now
        case .appointed(let neighbourhood):
            self.neighbourhood = neighbourhood.bounded
            claims = claims.filter { isNeighbour($0.key) }
            refused = refused.filter { isNeighbour($0.key) }
        case .greeted(let name, let heads):
            if isNeighbour(name) { claims[name] = heads }
        case .verified(let claim):
            if fetching[claim.set] == claim { fetching[claim.set] = nil }
            if claim.sequence > verified[claim.set]?.sequence ?? 0 { verified[claim.set] = claim }
        case .refused(let claim, let neighbour):
            if fetching[claim.set] == claim { fetching[claim.set] = nil }
            if isNeighbour(neighbour), refused[neighbour]?.count ?? 0 < Self.refusalLimit {
                refused[neighbour, default: []].insert(claim)
            }
        case .holds(let set, let sequence): held[set] = sequence
        case .passed: break
        }
        guard isAlone(at: now) else { return [] }
        return callNeighbours(now) + neighbourhood.sets.flatMap { decide($0) }
    }

    private func isNeighbour(_ name: String) -> Bool {
        neighbourhood.neighbours.contains { $0.name == name }
    }

    private mutating func callNeighbours(_ now: Duration) -> [Action] {
        guard now >= nextCall else { return [] }
        nextCall = now + settings.callInterval
        // Who was refused may have got well, and what was followed may have come to nothing.
        refused = [:]
        followed = [:]
        return neighbourhood.neighbours.map { .call($0) }
    }

    private mutating func decide(_ set: String) -> [Action] {
        let own = held[set] ?? 0
        var actions: [Action] = []
        if let known = verified[set], known.sequence > own, followed[set] != known {
            followed[set] = known
            let sources = neighbourhood.neighbours.filter { claims[$0.name]?.contains(known) ?? false }
            if !sources.isEmpty { actions.append(.follow(known, sources: sources)) }
        }
        let known = max(own, verified[set]?.sequence ?? 0)
        if fetching[set] == nil, let (claim, neighbour) = best(set, above: known) {
            fetching[set] = claim
            actions.append(.fetch(claim, from: neighbour))
        }
        return actions
    }

    /// The highest claim that was not refused, and who makes it.
    private func best(_ set: String, above known: UInt64) -> (HeadClaim, Neighbour)? {
        var best: (claim: HeadClaim, neighbour: Neighbour)?
        for neighbour in neighbourhood.neighbours {
            let refusals = refused[neighbour.name] ?? []
            guard refusals.count < Self.refusalLimit else { continue }
            for claim in claims[neighbour.name] ?? [] where claim.set == set && claim.sequence > known {
                guard claim.sequence > best?.claim.sequence ?? 0, !refusals.contains(claim) else { continue }
                best = (claim, neighbour)
            }
        }
        return best.map { ($0.claim, $0.neighbour) }
    }
}
