package import FleetModel

/// Answer to `GET /v1/assignments`.
package struct AssignmentsAnswer: Codable, Sendable, Equatable {
    /// Generation of the newest plan; nil while there is none. To be given as `after` in the next poll.
    package var generation: Generation?
    /// The lines of that plan for the mirror that asks; empty if the plan does not concern it or is not newer.
    package var lines: [PlanLine]
    /// Counter of the calls for fresh reports. To be given as `reports` in the next poll; a value other than the one
    /// given calls for a report now.
    package var reportNow: UInt64
    /// Newest registered release of each set that the mirror holds, ascending by set.
    package var heads: [SetHead]
    /// The encoded `SignedTerm` of the coordinator's term; nil in the fleet's first, which needs none.
    package var term: Base64Bytes?
    /// What the mirror needs to go on if the coordinator is lost; nil from a coordinator that does not say.
    package var neighbourhood: Neighbourhood?

    /// An answer.
    package init(
        generation: Generation?, lines: [PlanLine], reportNow: UInt64, heads: [SetHead], term: [UInt8]? = nil,
        neighbourhood: Neighbourhood? = nil
    ) {
        self.generation = generation
        self.lines = lines
        self.reportNow = reportNow
        self.heads = heads
        self.term = term.map { Base64Bytes($0) }
        self.neighbourhood = neighbourhood
    }
}

/// The newest registered release of a set.
package struct SetHead: Codable, Sendable, Hashable {
    /// Name of the content set.
    package var set: String
    /// The head's sequence.
    package var sequence: UInt64
    /// Digest of the release document, in hexadecimal.
    package var digest: String

    /// A head.
    package init(set: String, sequence: UInt64, digest: String) {
        self.set = set
        self.sequence = sequence
        self.digest = digest
    }
}
