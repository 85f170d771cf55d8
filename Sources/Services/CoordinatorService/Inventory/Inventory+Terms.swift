package import FleetAPI
package import FleetModel
package import Trust

// A coordinator that lost its disk knows no plan, while the agents follow one and refuse what is lower. What it must not do
// is to guess a number above theirs: a second coordinator would guess the same. So it asks for an operator's word.

extension Inventory {
    /// The generations that mirrors of the fleet say they follow, ascending by mirror.
    private var followed: [(mirror: String, generation: Generation)] {
        fleet.mirrors.map(\.name).sorted().compactMap { name in
            mirrors[name]?.observation.report.generation.map { (name, $0) }
        }
    }

    /// Mirrors that follow a plan of `generation` or above, ascending.
    package func mirrors(following generation: Generation) -> [String] {
        followed.filter { $0.generation >= generation }.map(\.mirror)
    }

    /// Whether the plans were lost: every mirror that follows one would refuse the next. One that follows a lower plan
    /// shows that they are here; others that claim more are only warned of, so that a single liar stops nothing.
    package var hasLostPlans: Bool {
        let next = nextGeneration
        return !followed.isEmpty && followed.allSatisfy { $0.generation >= next }
    }

    /// Throws `RequestError` 503 if we have no plan and no mirror has reported: then nobody can say whether there were
    /// plans, and 409 if the plans were lost.
    package func expectPlans() throws(RequestError) {
        guard current != nil || fleet.mirrors.contains(where: { mirrors[$0.name] != nil }) else {
            throw RequestError.notNow(
                RefusalCode.noReports,
                "no mirror has reported yet: what they hold, and which plans they follow, is not known",
                hint: "agents report within \(Quantity.describe(seconds: fleet.coordinator.reportIntervalSeconds)) when"
                    + " they reach the coordinator: try again then")
        }
        guard hasLostPlans, let highest = followed.max(by: { $0.generation < $1.generation }) else { return }
        throw RequestError.conflict(
            RefusalCode.termNeeded,
            "this coordinator has lost its plans: the next one would be \(nextGeneration), and \(highest.mirror) follows"
                + " \(highest.generation) already",
            hint: "let every mirror report, then declare a new term: fleetctl coordinator new-term")
    }

    /// Where our plans stand; `coordinator` is our name.
    package func termAnswer(coordinator: String) -> TermAnswer {
        let highest = followed.max { $0.generation < $1.generation }
        return TermAnswer(
            term: term, coordinator: coordinator, highest: highest?.generation, highestMirror: highest?.mirror,
            silent: fleet.mirrors.map(\.name).filter { mirrors[$0] == nil }.sorted(), isNeeded: hasLostPlans)
    }

    /// Whether `declared`, which is verified, begins a term; false if it is the one in force.
    ///
    /// - Throws: `RequestError` 422 if it is for another coordinator, 409 if it is not above ours and all that mirrors
    ///   follow.
    package func isNews(_ declared: FleetTerm, signed: [UInt8], coordinator: String) throws(RequestError) -> Bool {
        guard declared.coordinator == coordinator else {
            throw RequestError.unacceptable(
                RefusalCode.termRefused,
                "the term is for the coordinator \(declared.coordinator), this is \(coordinator)")
        }
        if signed == signedTerm { return false }
        let least = termAnswer(coordinator: coordinator).next
        guard let least, declared.number >= least else {
            throw RequestError.conflict(
                RefusalCode.termRefused,
                "term \(declared.number) is not above \(term), ours, and what mirrors follow",
                hint: least.map { "the next one is \($0)" } ?? "take the mirror that claims it out of fleet.yaml")
        }
        return true
    }
}
