import Content
import FleetAPI
import FleetCertificates
import FleetModel
import Hashing
import Logging
import STOQTransport
import Store
import Synchronization
import Trust

/// Tells the coordinator what this host verifiably has: at the interval that the coordinator asks for, and soon after
/// something changed.
final class Reporter: Sendable {
    /// Progress is told at most this often.
    private static let shortestInterval = Duration.milliseconds(300)
    /// Until the coordinator said how often.
    private static let firstInterval = Duration.seconds(1)
    /// Pause after a report that did not get through; doubled up to the interval.
    private static let retryPause = Duration.milliseconds(500)
    /// After so many attempts in a row nobody waits for a report to get through. One fails on the connection of a
    /// coordinator that started again.
    private static let failuresUntilAway = 2

    private let settings: AgentSettings
    private let credentials: HostCredentials
    private let store: Store
    private let trust: TrustedRepository
    private let activity: AgentActivity
    private let endpoint: STOQEndpoint
    private let bandwidth: BandwidthControl
    private let swarms: Swarms
    private let client: CoordinatorClient
    private let pool: BlockingPool
    private let clock: WallClock
    private let logger: Logger

    private struct State {
        let startedAt: Int64
        var number: UInt64 = 0
        var isConnected: Bool?
        /// Number of the last report that got through.
        var delivered: UInt64 = 0
        /// What the next report is told in terms of: the last one that got through, unless the coordinator lost it.
        var base: (number: UInt64, body: [UInt8])?
        /// Number of the last report that did not, and how many did not in a row.
        var failed: UInt64 = 0
        var failures = 0
    }

    private let state: Mutex<State>
    /// Raised when a report got through, or did not.
    private let attempted = Signal()
    /// Raised when a report got through after one that did not: the coordinator is back.
    let cameBack = Signal()

    init(
        settings: AgentSettings, credentials: HostCredentials, store: Store, trust: TrustedRepository,
        activity: AgentActivity, endpoint: STOQEndpoint, bandwidth: BandwidthControl, swarms: Swarms,
        client: CoordinatorClient,
        pool: BlockingPool,
        clock: WallClock, logger: Logger
    ) {
        self.settings = settings
        self.credentials = credentials
        self.store = store
        self.trust = trust
        self.activity = activity
        self.endpoint = endpoint
        self.bandwidth = bandwidth
        self.swarms = swarms
        self.client = client
        self.pool = pool
        self.clock = clock
        self.logger = logger
        self.state = Mutex(State(startedAt: clock.now()))
    }

    /// Reports until the task is cancelled.
    func run() async {
        var interval = Self.firstInterval
        var pause = Self.retryPause
        while !Task.isCancelled {
            let seen = (changed: activity.changed.count, urgent: activity.urgent.count)
            let began = ContinuousClock.now
            if let told = await report() {
                interval = told
                pause = Self.retryPause
            } else {
                await activity.urgent.wait(after: seen.urgent, atMost: min(pause, interval))
                pause = min(pause * 2, max(interval, Self.retryPause))
                continue
            }
            await activity.changed.wait(after: seen.changed, atMost: interval)
            let elapsed = ContinuousClock.now - began
            if elapsed < Self.shortestInterval {
                await activity.urgent.wait(after: seen.urgent, atMost: Self.shortestInterval - elapsed)
            }
        }
    }

    /// Makes sure that a report made after this call is delivered, waiting at most `limit`, and no longer than it takes
    /// to see that the coordinator is away.
    func deliver(atMost limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        let made = state.withLock { $0.number }
        activity.urgent.raise()
        activity.changed.raise()
        while ContinuousClock.now < deadline, !Task.isCancelled {
            let count = attempted.count
            // A restart of the numbers only makes this wait longer, never shorter than it should.
            let isOver = state.withLock {
                $0.delivered > made || ($0.failed > made && $0.failures >= Self.failuresUntilAway)
            }
            if isOver { return }
            await attempted.wait(after: count, atMost: deadline - ContinuousClock.now)
        }
    }

    /// Reports soon.
    func hurry() {
        activity.urgent.raise()
        activity.changed.raise()
    }

    /// Sends one report; the interval until the next, or nil if it did not get through.
    private func report() async -> Duration? {
        do {
            let place = state.withLock { state in
                state.number += 1
                return ReportPlace(startedAt: state.startedAt, number: state.number)
            }
            let report = try await pool.run { try self.makeReport(place) }
            let signed = try credentials.sign(WireJSON.encode(report))
            let receipt = try await submit(signed)
            noteConnection(nil)
            state.withLock { state in
                state.delivered = place.number
                state.failures = 0
                state.base = (place.number, signed.body)
            }
            attempted.raise()
            for name in receipt.wantedReleases { await register(name) }
            return .seconds(max(1, receipt.interval))
        } catch APIError.refused(let refusal) where refusal.lastReport != nil {
            // Our clock was set back: go on above what the coordinator has seen.
            state.withLock { $0.number = max($0.number, refusal.lastReport?.number ?? 0) }
            return nil
        } catch is CancellationError {
            return nil
        } catch {
            noteConnection(error)
            state.withLock { state in
                state.failed = state.number
                state.failures += 1
            }
            attempted.raise()
            return nil
        }
    }

    /// Hands in what changed since the last report; the whole if there is none, or the coordinator does not take that.
    private func submit(_ signed: SignedReport) async throws -> ReportReceipt {
        guard let base = state.withLock({ $0.base }) else { return try await client.submit(signed) }
        do {
            return try await client.submit(
                SignedReportPatch(from: base.body, baseNumber: base.number, to: signed))
        } catch APIError.refused(let refusal) where refusal.lastReport == nil {
            state.withLock { $0.base = nil }
            return try await client.submit(signed)
        }
    }

    /// What this host has now; the served release is read back from the link and the store.
    private func makeReport(_ place: ReportPlace) throws -> MirrorReport {
        let usage = try store.usage()
        let names = Set(try store.sets()).union(activity.names).sorted()
        let now = clock.now()
        return MirrorReport(
            mirror: settings.name, number: place.number, agentVersion: FleetVersion.current,
            startedAt: place.startedAt, generation: activity.generation,
            disk: DiskReport(
                totalBytes: usage.totalBytes, freeBytes: usage.freeBytes, storeBytes: usage.storeBytes,
                sharesBlocks: try store.sharesBlocks()),
            sets: try names.map { try setReport($0, now: now) }, problems: activity.problems(now: now),
            connections: endpoint.connections.map {
                ConnectionReport(
                    peer: $0.peer.name, group: $0.negotiatedGroup, bytesIn: $0.bytesIn, bytesOut: $0.bytesOut)
            }.sorted { $0.peer < $1.peer },
            bandwidth: bandwidth.report(), swarms: swarms.reports, standings: swarms.record.standings)
    }

    private func setReport(_ name: String, now: Int64) throws -> SetReport {
        let known = activity.set(name)
        let served = try store.served(set: name)
        let bad = try store.badPaths(set: name)
        return SetReport(
            name: name, sequence: served?.sequence, root: served?.root.description,
            release: served?.release.description, verifiedAt: served?.verifiedAt, activity: known.activity,
            progress: known.progress, lastSync: known.lastSync, lastFailure: known.lastFailure,
            failedAttempts: known.failedAttempts, isFailureFinal: known.isFailureFinal,
            badPaths: bad.prefix(MirrorReport.badPathLimit).map {
                BadPathReport(
                    path: $0.path.description, blob: $0.blob?.description ?? "-", reason: $0.reason, bytes: $0.bytes)
            },
            missingBytes: known.missingBytes,
            yanked: try store.yankList(set: name).map { Digest.hash(.sha256, $0).hex })
    }

    /// Hands a release that the coordinator missed to it.
    private func register(_ name: ReleaseName) async {
        do {
            let document = try await pool.run {
                try self.store.releaseDocument(set: name.set, sequence: name.sequence)
            }
            guard let document else { return }
            _ = try await client.register(
                ReleaseRegistration(
                    set: name.set, sequence: name.sequence, document: document,
                    metadata: trust.documents(newerThan: MetadataVersions()).encode()))
        } catch {
            logger.warning(
                "registering a release failed",
                metadata: ["release": "\(name)", "error": "\(error)"])
        }
    }

    /// Logs when the coordinator goes away and comes back, and not every attempt between.
    private func noteConnection(_ error: (any Error)?) {
        let isNews = state.withLock { state in
            defer { state.isConnected = error == nil }
            return state.isConnected != (error == nil)
        }
        guard isNews else { return }
        if let error {
            logger.warning("the coordinator takes no report", metadata: ["error": "\(error)"])
        } else {
            logger.info("connected to the coordinator")
            cameBack.raise()
        }
    }
}
