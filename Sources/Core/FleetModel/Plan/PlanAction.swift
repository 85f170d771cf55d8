/// What a plan asks of one mirror for one set.
package enum PlanAction: String, Codable, Sendable, Hashable, CaseIterable {
    /// Fetch the release and serve it.
    case sync
    /// Make the release whole again: refetch what is bad or missing, or set the served link right.
    case repair
    /// Nothing; the reason says why.
    case none
}
