package import FleetModel

/// Body of `POST /v1/overrides`: an operator says something of one host beyond fleet.yaml, or takes it back.
package struct OverrideOrder: Codable, Sendable, Equatable {
    /// The host.
    package var mirror: String
    /// What is said of it.
    package var kind: HostOverride.Kind
    /// False: what was said is taken back.
    package var isSet: Bool
    /// For how many seconds it counts; nil: until it is taken back.
    package var seconds: Int64?
    /// With `limited`: how much the host sends and receives.
    package var limits: TransferLimits?
    /// Why.
    package var reason: String?

    /// The longest that an override with an end counts: a year.
    package static let longest: Int64 = 366 * 86_400

    /// An order.
    package init(
        mirror: String, kind: HostOverride.Kind, isSet: Bool, seconds: Int64? = nil, limits: TransferLimits? = nil,
        reason: String? = nil
    ) {
        self.mirror = mirror
        self.kind = kind
        self.isSet = isSet
        self.seconds = seconds
        self.limits = limits
        self.reason = reason
    }
}

/// Answer to `POST /v1/overrides`: what counts for the host now, by kind.
package struct OverrideList: Codable, Sendable, Equatable {
    /// Ascending by kind.
    package var overrides: [HostOverride]

    /// A list.
    package init(overrides: [HostOverride]) {
        self.overrides = overrides
    }
}
