import FleetAPI
import FleetModel

/// Has a release that was published brought to mirrors, and waits until enough of them hold it.
struct ReplicaFollower {
    private static let pollWait = Duration.seconds(1)
    private static let replanInterval = Duration.seconds(2)
    private static let retryPause = Duration.milliseconds(500)

    let session: FleetSession
    let set: String
    let wanted: Int
    let regions: [String]
    private let carriers: [String]

    /// Throws a usage error if too few mirrors carry the set in these regions (none: all).
    init(session: FleetSession, set: String, wanted: Int, regions: [String]) throws {
        self.session = session
        self.set = set
        self.wanted = wanted
        self.regions = regions
        let known = Set(session.fleet.mirrors.map(\.region))
        for region in regions where !known.contains(region) {
            throw FleetctlError(
                .usage, "\(session.file) has no region \"\(region)\"",
                hint: "its regions are: \(known.sorted().joined(separator: ", "))")
        }
        carriers = session.fleet.mirrors.filter { mirror in
            mirror.role == .mirror && mirror.sets.contains(set)
                && (regions.isEmpty || regions.contains(mirror.region))
        }.map(\.name)
        guard wanted <= carriers.count else {
            let place = regions.isEmpty ? "" : " in \(regions.joined(separator: ", "))"
            throw FleetctlError(
                .usage, "\(wanted) replicas are wanted, and \(carriers.count) mirrors carry \(set)\(place)",
                hint: carriers.isEmpty ? nil : "they are: \(carriers.joined(separator: ", "))")
        }
    }

    /// Waits until enough mirrors hold the release `sequence` (nil: the newest), or `timeout` is over: the last that was
    /// seen. Throws `APIError` if the coordinator cannot be asked at all.
    func run(sequence: UInt64?, timeout: Duration) async throws -> Replication {
        let clock = ContinuousClock()
        let began = clock.now
        let client = try session.coordinator()
        let order = PlanOrder(sets: [set], mirrors: nil)
        session.noteRefusing(try await client.makePlan(order))
        var plannedAt = clock.now
        var view = ProgressView(terminal: session.terminal)
        defer { view.clear() }
        var change: UInt64?
        while true {
            let status: FleetStatus
            do {
                let answer = try await client.status(after: change, wait: change == nil ? .zero : Self.pollWait)
                (status, change) = (answer.status, answer.change)
            } catch let error as APIError
                where error.exitCode == ExitStatus.tryAgain.rawValue && clock.now < began + timeout
            {
                try await Task.sleep(for: Self.retryPause)
                continue
            }
            let head = status.sets.first { $0.name == set }?.head?.sequence
            let found = Replication(
                of: sequence ?? head ?? 1, set: set, wanted: wanted, carriers: carriers, regions: regions, in: status)
            if found.isReached || clock.now >= began + timeout { return found }
            view.show(Self.rows(found, set), now: (clock.now - began).inSeconds)
            // A mirror that was away when the plan was made is back, or one has failed.
            let isIdle = found.mirrors.contains { !$0.holds && $0.bytesTotal == nil }
            if isIdle, clock.now - plannedAt >= Self.replanInterval {
                plannedAt = clock.now
                var again = order
                again.refreshSeconds = 1
                _ = try? await client.makePlan(again)
            }
        }
    }

    private static func rows(_ found: Replication, _ set: String) -> [ProgressRow] {
        found.mirrors.map { mirror in
            ProgressRow(
                label: "\(mirror.name) \(set)", done: mirror.bytesDone ?? 0, total: mirror.bytesTotal ?? 0,
                note: mirror.holds ? "holds it" : mirror.reason ?? "-", isFinished: mirror.holds)
        }
    }
}
