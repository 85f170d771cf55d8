/// Limits that depend on the time of the week, at the mirror's own place.
package struct BandwidthProfile: Codable, Sendable, Hashable {
    /// Limits for some hours of some days.
    package struct Rule: Codable, Sendable, Hashable {
        /// Days of the week on which its hours begin, 0 is Monday; ascending, each once. All of them: every day.
        package var days: [Int]
        /// Minutes of the day, the first one and the one after the last; beyond midnight it goes on into the next day.
        package var from: Int
        /// See ``from``; equal to it: the whole day.
        package var to: Int
        /// What holds then.
        package var limits: TransferLimits

        /// Makes the value from its parts; nothing is checked.
        package init(
            days: [Int] = Array(0..<BandwidthProfile.daysPerWeek), from: Int = 0, to: Int = 0, limits: TransferLimits
        ) {
            self.days = days
            self.from = from
            self.to = to
            self.limits = limits
        }

        func holds(day: Int, minute: Int) -> Bool {
            if from == to { return days.contains(day) }
            if from < to { return days.contains(day) && (from..<to).contains(minute) }
            let yesterday = (day + BandwidthProfile.daysPerWeek - 1) % BandwidthProfile.daysPerWeek
            return (minute >= from && days.contains(day)) || (minute < to && days.contains(yesterday))
        }
    }

    static let daysPerWeek = 7
    static let minutesPerDay = 1_440

    /// The first one that holds counts.
    package var rules: [Rule]

    /// Makes the value from its parts; nothing is checked.
    package init(rules: [Rule] = []) {
        self.rules = rules
    }

    /// Whether it says different things at different times.
    package var isTimed: Bool {
        guard let first = rules.first else { return false }
        return first.from != first.to || first.days.count < Self.daysPerWeek
    }

    /// What holds on `day` of the week (0 is Monday), at `minute` of that day; no limit if no rule does.
    package func limits(day: Int, minute: Int) -> TransferLimits {
        rules.first { $0.holds(day: day, minute: minute) }?.limits ?? .none
    }
}

/// What a mirror is told of bandwidth: it comes from fleet.yaml, by way of the coordinator, and the host's own agent.yaml
/// may be stricter.
package struct BandwidthPolicy: Codable, Sendable, Hashable {
    /// Limits by the time of the week.
    package var profile: BandwidthProfile
    /// Shares of sets while they want more than there is; a set that is not named has 1.
    package var weights: [String: Int]

    /// Makes the value from its parts; nothing is checked.
    package init(profile: BandwidthProfile = BandwidthProfile(), weights: [String: Int] = [:]) {
        self.profile = profile
        self.weights = weights
    }

    /// Rules and weights that an agent takes; further rules are dropped, and all weights if there are more.
    package static let limit = 1_024

    /// Itself without what is above the limits.
    package var bounded: BandwidthPolicy {
        BandwidthPolicy(
            profile: BandwidthProfile(rules: Array(profile.rules.prefix(Self.limit))),
            weights: weights.count > Self.limit ? [:] : weights)
    }
}
