package import FleetModel

/// Answer to `GET /v1/assignments`.
package struct AssignmentsAnswer: Codable, Sendable, Equatable {
    /// Generation of the newest plan; nil while there is none. To be given as `after` in the next poll.
    package var generation: Generation?
    /// The lines of that plan with work for the mirror that asks; empty if there are none, or the plan is not newer.
    package var lines: [PlanLine]
    /// The sets for which that plan has nothing to do there, ascending: only their names, since most plans have no more
    /// to say.
    package var idle: [String]
    /// Counter of the calls for fresh reports. To be given as `reports` in the next poll; a value other than the one
    /// given calls for a report now.
    package var reportNow: UInt64
    /// With a newer plan, the encoded `SignedTerm` of its term; nil in the fleet's first, which needs none.
    package var term: Base64Bytes?
    /// What the mirror needs to go on if the coordinator is lost; nil if it has the one of `neighbourhoodTag` already.
    package var neighbourhood: Neighbourhood?
    /// The version of the TUF timestamp that the coordinator knows of; nil: none. A hint that neighbours may have it.
    package var timestampVersion: UInt64?
    /// Names the mirror's neighbourhood. To be given as `neighbourhood` in the next poll.
    package var neighbourhoodTag: String?
    /// An encoded `StandingList`; nil if there is none, or the mirror has the one of `standingsTag` already.
    package var standings: Base64Bytes?
    /// Names the list of standings; nil: it is empty. To be given as `standings` in the next poll.
    package var standingsTag: String?
    /// How much the mirror may send and receive by an operator's word; nil: as much as its own agent.yaml says.
    package var limits: TransferLimits?

    /// An answer.
    package init(
        generation: Generation?, lines: [PlanLine], idle: [String] = [], reportNow: UInt64, term: [UInt8]? = nil,
        neighbourhood: Neighbourhood? = nil, neighbourhoodTag: String? = nil, timestampVersion: UInt64? = nil
    ) {
        self.generation = generation
        self.lines = lines
        self.idle = idle
        self.reportNow = reportNow
        self.term = term.map { Base64Bytes($0) }
        self.neighbourhood = neighbourhood
        self.neighbourhoodTag = neighbourhoodTag
        self.timestampVersion = timestampVersion
    }
}
