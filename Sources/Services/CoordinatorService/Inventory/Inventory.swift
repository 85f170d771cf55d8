package import FleetAPI
package import FleetModel
import Hashing

/// What the coordinator knows: the fleet's policy, the last report of each mirror, the releases, the newest plan.
///
/// A value without I/O. `Coordinator` decides by it, makes the decision durable, then applies it here: what is in
/// memory is always on disk too.
package struct Inventory: Sendable {
    /// The accepted fleet.yaml.
    private var policy: Fleet
    /// The same, with what operators said of hosts beyond it.
    private(set) var fleet: Fleet
    /// What operators said of hosts beyond fleet.yaml, by host and kind.
    private(set) var overrides: [HostOverride] = []
    /// Sequences of a set for which it is kept when a mirror first named them.
    let namedSequences: Int
    /// The last report of each mirror that ever reported.
    private(set) var mirrors: [String: KeptReport] = [:]
    /// The registered releases.
    private(set) var releases: [ReleaseName: RegisteredRelease] = [:]
    /// The newest plan.
    private(set) var current: Plan?
    /// The term of new plans.
    private(set) var term: UInt64 = 1
    /// The encoded `SignedTerm` that began it; nil in the fleet's first.
    private(set) var signedTerm: [UInt8]?
    /// What each mirror needs to go on without us.
    private var neighbourhoods: [String: (value: Neighbourhood, tag: String)]
    /// Counts the calls for fresh reports.
    private(set) var reportNow: UInt64 = 0

    /// Knows nothing yet but the policy.
    package init(fleet: Fleet, namedSequences: Int) {
        policy = fleet
        self.fleet = fleet
        self.namedSequences = namedSequences
        neighbourhoods = fleet.neighbourhoods().mapValues { ($0, Self.tag($0)) }
    }

    /// Takes `overrides` in place of those before; those of hosts that fleet.yaml does not have say nothing.
    mutating func override(_ overrides: [HostOverride]) {
        self.overrides = overrides.sorted { ($0.mirror, $0.kind) < ($1.mirror, $1.kind) }
        fleet = policy.overridden(by: overrides)
        neighbourhoods = fleet.neighbourhoods().mapValues { ($0, Self.tag($0)) }
    }

    /// Goes by another fleet.yaml; what operators said of hosts beyond it stays.
    mutating func rule(by fleet: Fleet) {
        policy = fleet
        override(overrides)
    }

    /// Forgets the last report of a host that left.
    mutating func forget(_ mirror: String) {
        mirrors[mirror] = nil
    }

    /// What operators said of one host, by kind.
    func overrides(of mirror: String) -> [HostOverride] {
        overrides.filter { $0.mirror == mirror }
    }
}

/// The last report of a mirror.
struct KeptReport: Sendable, Equatable {
    /// The encoded `SignedReport`.
    var signed: [UInt8]
    /// What it says, when it came, and when the mirror first named its releases.
    var observation: MirrorObservation

    /// Where it stands among the mirror's reports.
    var place: ReportPlace { ReportPlace(observation.report) }
}

extension ReportPlace {
    init(_ report: MirrorReport) {
        self.init(startedAt: report.startedAt ?? 0, number: report.number)
    }
}

// MARK: Reports

extension Inventory {
    /// Whether `report` is news; false for the last one come again, because its receipt got lost.
    ///
    /// - Throws: `RequestError` 409 if it is older than the last one.
    package func isNews(_ report: MirrorReport, signed: [UInt8]) throws(RequestError) -> Bool {
        guard let last = mirrors[report.mirror] else { return true }
        if last.signed == signed { return false }
        guard ReportPlace(report).follows(last.place) else {
            var error = RequestError.conflict(
                RefusalCode.reportNotNewer,
                "report \(report.number) of \(report.mirror) is not above \(last.place.number), the last one taken",
                hint: "go on with a higher number")
            error.refusal.lastReport = last.place
            throw error
        }
        return true
    }

    /// The releases that `report` is the first of its mirror to name as served, ascending.
    ///
    /// A root other than the registered release's is not that release, whatever sequence stands beside it.
    package func firstNamed(by report: MirrorReport) -> [ReleaseName] {
        let known = mirrors[report.mirror]?.observation.firstNamed ?? [:]
        return report.sets.compactMap { set -> ReleaseName? in
            guard let sequence = set.sequence, known[set.name]?[sequence] == nil else { return nil }
            let name = ReleaseName(set: set.name, sequence: sequence)
            if let release = releases[name], release.root != set.root { return nil }
            return name
        }.sorted()
    }

    /// Takes a report; of each set only the newest `namedSequences` first namings are kept.
    package mutating func take(_ report: MirrorReport, signed: [UInt8], receivedAt: Int64, named: [ReleaseName]) {
        var firstNamed = mirrors[report.mirror]?.observation.firstNamed ?? [:]
        for name in named {
            firstNamed[name.set, default: [:]][name.sequence] = receivedAt
        }
        for name in named {
            guard let times = firstNamed[name.set], times.count > namedSequences else { continue }
            let kept = times.keys.sorted().suffix(namedSequences)
            firstNamed[name.set] = times.filter { $0.key >= kept.first ?? 0 }
        }
        mirrors[report.mirror] = KeptReport(
            signed: signed,
            observation: MirrorObservation(report: report, receivedAt: receivedAt, firstNamed: firstNamed))
    }

    /// Puts back what was read from disk.
    mutating func restore(_ kept: KeptReport) {
        mirrors[kept.observation.report.mirror] = kept
    }

    /// Releases that the report of an origin names and that are not registered, ascending.
    package func wanted(after report: MirrorReport) -> [ReleaseName] {
        report.sets.compactMap { set -> ReleaseName? in
            guard let sequence = set.sequence, fleet.set(named: set.name)?.origin == report.mirror,
                sequence > heads[set.name]?.sequence ?? 0
            else { return nil }
            return ReleaseName(set: set.name, sequence: sequence)
        }.sorted()
    }

    /// What was seen of every mirror, ascending by name.
    package var observations: [MirrorObservation] {
        mirrors.keys.sorted().compactMap { mirrors[$0]?.observation }
    }
}

// MARK: Releases and plans

extension Inventory {
    /// Registered releases, ascending.
    var sortedReleases: [RegisteredRelease] {
        releases.keys.sorted().compactMap { releases[$0] }
    }

    /// The newest release of each set that has one.
    var heads: [String: RegisteredRelease] {
        releases.values.reduce(into: [:]) { heads, release in
            if release.sequence > heads[release.set]?.sequence ?? 0 || heads[release.set] == nil {
                heads[release.set] = release
            }
        }
    }

    /// Whether `release` is news; false if that very release is registered.
    ///
    /// - Throws: `RequestError` 409 unless its sequence is above the head's. A gap is allowed: the releases between
    ///   stand without us, and only the head is ever planned.
    package func isNews(_ release: RegisteredRelease) throws(RequestError) -> Bool {
        let name = ReleaseName(set: release.set, sequence: release.sequence)
        if let same = releases[name], same.digest == release.digest { return false }
        if let head = heads[release.set], release.sequence <= head.sequence {
            throw RequestError.conflict(
                RefusalCode.releaseNotNewer,
                releases[name] == nil
                    ? "release \(name) is below the head, \(head.sequence)"
                    : "another release is registered as \(name)",
                hint: "publish on top of the head: fleetctl release list \(release.set)")
        }
        return true
    }

    /// Adds a release.
    package mutating func register(_ release: RegisteredRelease) {
        releases[ReleaseName(set: release.set, sequence: release.sequence)] = release
    }

    /// The generation of the next plan.
    package var nextGeneration: Generation {
        guard let last = current?.generation, last.term == term else { return Generation(term: term, number: 1) }
        return Generation(term: term, number: last.number + 1)
    }

    /// Makes `plan` the newest one.
    package mutating func adopt(_ plan: Plan) {
        current = plan
        term = max(term, plan.generation.term)
    }

    /// Begins the term of `signed`, an encoded `SignedTerm`, if it is higher.
    package mutating func enter(term: UInt64, signed: [UInt8]) {
        guard term > self.term || signedTerm == nil && term == self.term else { return }
        self.term = term
        signedTerm = signed
    }

    /// Whether `mirror` may still be at work for `plan`, as far as its last report tells.
    func isOpen(_ plan: Plan?, for mirror: String) -> Bool {
        let sets = mirrors[mirror]?.observation.report.sets ?? []
        return (plan?.lines(of: mirror) ?? []).contains { line in
            line.action != .none && !sets.contains { $0.name == line.set && line.isFulfilled(by: $0) }
        }
    }

    /// Sets the counter of calls for reports.
    mutating func callForReports(_ count: UInt64) {
        reportNow = count
    }

    /// The assignments of `mirror`, for an agent that follows `generation` and has the neighbourhood of that tag.
    package func assignments(
        of mirror: String, after generation: Generation?, neighbourhood tag: String? = nil
    ) -> AssignmentsAnswer {
        let isNewer = current.map { plan in generation.map { $0 < plan.generation } ?? true } ?? false
        let neighbourhood = neighbourhoods[mirror]
        let lines = isNewer ? current?.lines(of: mirror) ?? [] : []
        return AssignmentsAnswer(
            generation: current?.generation, lines: lines.filter { $0.action != .none },
            idle: lines.filter { $0.action == .none }.map(\.set).sorted(), reportNow: reportNow,
            term: isNewer ? signedTerm : nil,
            neighbourhood: neighbourhood?.tag == tag ? nil : neighbourhood?.value, neighbourhoodTag: neighbourhood?.tag)
    }

    /// Names a neighbourhood: equal ones have equal names, also of two coordinators.
    private static func tag(_ neighbourhood: Neighbourhood) -> String {
        // Encoding a value of names and addresses does not fail.
        let bytes = (try? WireJSON.encode(neighbourhood)) ?? []
        return String(BLAKE3.hash(bytes).description.prefix(16))
    }
}
