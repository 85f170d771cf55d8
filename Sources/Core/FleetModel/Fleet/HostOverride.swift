/// What an operator said of one host beyond fleet.yaml: kept by the coordinator until it is taken back or its time is over.
/// One of each kind for a host.
package struct HostOverride: Codable, Sendable, Hashable {
    /// What is said.
    package enum Kind: String, Codable, Sendable, Hashable, CaseIterable, Comparable {
        /// As `state: drained` in fleet.yaml.
        case drained
        /// It sends and receives no more than `limits`.
        case limited
        /// As `state: paused` in fleet.yaml.
        case paused

        /// By name.
        package static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
    }

    /// The host.
    package var mirror: String
    /// What is said of it.
    package var kind: Kind
    /// With `limited`: how much it sends and receives.
    package var limits: TransferLimits?
    /// Who said it: the name in the operator's certificate.
    package var by: String
    /// When, in seconds since 1970 by the coordinator's clock.
    package var since: Int64
    /// The last second at which it counts; nil: until it is taken back.
    package var until: Int64?
    /// Why, in the operator's words.
    package var reason: String?

    /// The most bytes of a reason.
    package static let reasonByteCount = 512

    /// Makes the value from its parts; nothing is checked.
    package init(
        mirror: String, kind: Kind, limits: TransferLimits? = nil, by: String, since: Int64, until: Int64? = nil,
        reason: String? = nil
    ) {
        self.mirror = mirror
        self.kind = kind
        self.limits = limits
        self.by = by
        self.since = since
        self.until = until
        self.reason = reason
    }

    /// What it says, in words: `drained`, `limited to 50 MB/s up`.
    package var words: String {
        guard kind == .limited, let limits else { return kind.rawValue }
        let rates = [(limits.up, "up"), (limits.down, "down")].compactMap { rate, direction in
            rate.map { $0 == 0 ? "nothing \(direction)" : "\(Quantity.describe(bytes: $0))/s \(direction)" }
        }
        return "limited to \(rates.joined(separator: ", "))"
    }

    /// Whether it counts at `now`, in seconds since 1970.
    package func counts(at now: Int64) -> Bool { until.map { now <= $0 } ?? true }
}

extension Fleet {
    /// The fleet as it is while `overrides` count: an operator's word goes before fleet.yaml, and drained before paused.
    package func overridden(by overrides: [HostOverride]) -> Fleet {
        var fleet = self
        for index in fleet.mirrors.indices {
            let kinds = overrides.filter { $0.mirror == fleet.mirrors[index].name }.map(\.kind)
            if kinds.contains(.drained) {
                fleet.mirrors[index].override = .drained
            } else if kinds.contains(.paused) {
                fleet.mirrors[index].override = fleet.mirrors[index].override ?? .paused
            }
        }
        return fleet
    }
}
