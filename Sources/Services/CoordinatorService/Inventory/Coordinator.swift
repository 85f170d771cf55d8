import FleetAPI
import FleetCertificates
import FleetModel
import Logging
import NIOCore
import NIOPosix
import Planning
import Trust
import UpdateFramework

/// The one place where the coordinator's state changes: each change is decided, made durable, applied, then told to
/// those who wait for it.
///
/// Runs on a thread of its own: SQLite blocks, and neither the cooperative threads nor the server's loops may.
actor Coordinator {
    private static let thread = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let eventLoop: any EventLoop
    let identity: FleetIdentity
    var fleetAnswer: FleetAnswer
    /// The fleet.yaml in force.
    var policy: AcceptedPolicy
    let hosts: FleetMembers
    let startedAt: Int64
    private let limits: CoordinatorLimits
    private var seal: ReleaseSeal
    /// Who belongs to the fleet.
    nonisolated let desk: MembershipDesk
    /// Nil once the coordinator is closed.
    private var open: StateDatabase?
    let logger: Logger
    let now: @Sendable () -> Int64
    let arrive: @Sendable (CoordinatorPhase) -> Void

    var inventory: Inventory
    var polls = LongPolls()
    private var nextPoll: UInt64 = 0
    /// Counter of everything that can change the status.
    private var change: UInt64
    /// Reports taken of each mirror since the start, to see who answered a call for fresh ones.
    private var taken: [String: UInt64] = [:]
    /// The last poll of each mirror whose connection is still there.
    private var pollers: [String: Poller] = [:]
    private var openOrders = 0
    private var isShuttingDown = false

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        eventLoop.executor.asUnownedSerialExecutor()
    }

    /// A mirror's last poll of its assignments.
    private struct Poller {
        var connection: UInt64
        /// Its number among the polls, to tell it from a later one.
        var poll: UInt64
        /// Nil while it is open.
        var ended: NIODeadline?
    }

    /// Reads what is on disk and takes up where the last process ended.
    ///
    /// - Parameters:
    ///   - desk: who belongs to the fleet, and what operators say.
    ///   - now: seconds since 1970 by the coordinator's clock.
    ///   - onPhase: called where the work arrives.
    init(
        policy: AcceptedPolicy, hosts: FleetMembers, identity: FleetIdentity, desk: MembershipDesk,
        database: StateDatabase,
        limits: CoordinatorLimits, logger: Logger, now: @escaping @Sendable () -> Int64,
        onPhase: @escaping @Sendable (CoordinatorPhase) -> Void
    ) throws {
        eventLoop = Self.thread.next()
        self.identity = identity
        self.policy = policy
        self.hosts = hosts
        self.limits = limits
        open = database
        self.logger = logger
        self.now = now
        arrive = onPhase
        seal = try Self.restoredSeal(policy, database, logger)
        self.desk = desk
        _ = desk.verifier.take(try database.standings())
        startedAt = now()
        let fleet = policy.fleet
        fleetAnswer = FleetAnswer(
            name: fleet.name, digest: policy.digest, text: policy.text,
            acceptedAt: try database.accept(text: policy.text, digest: policy.digest, at: startedAt))
        inventory = try Inventory(
            fleet: fleet, namedSequences: limits.namedSequences, restoredFrom: database, logger: logger)
        // Any value will do that an earlier run is not likely to have shown last.
        change = UInt64(max(0, startedAt)) << 20
    }

    // MARK: Reports

    /// Takes a mirror's report, whose signature and sender were checked.
    func submit(_ report: MirrorReport, body: [UInt8], signed: [UInt8]) throws -> ReportReceipt {
        if try inventory.isNews(report, signed: signed) {
            let receivedAt = now()
            let named = inventory.firstNamed(by: report)
            try database.save(
                report, body: body, signed: signed, receivedAt: receivedAt, named: named, keep: limits.namedSequences)
            arrive(.reportSaved)
            inventory.take(report, signed: signed, receivedAt: receivedAt, named: named)
            taken[report.mirror, default: 0] += 1
            changed()
            polls.wake(.reports)
        }
        return ReportReceipt(
            interval: Int(clamping: inventory.fleet.coordinator.reportIntervalSeconds),
            wantedReleases: inventory.wanted(after: report))
    }

    /// The body of the last report of `mirror` if it has that number.
    func reportBody(of mirror: String, number: UInt64) -> [UInt8]? {
        guard let last = inventory.mirrors[mirror], last.place.number == number else { return nil }
        return try? SignedReport(decoding: last.signed).body
    }

    /// The last report of every mirror, ascending.
    func reports() -> ReportList {
        ReportList(
            reports: inventory.observations.map {
                ReportRecord(mirror: $0.report.mirror, receivedAt: $0.receivedAt, report: $0.report)
            })
    }

    // MARK: Assignments

    /// Waits until there is a plan for `mirror` newer than `generation` or a call for reports other than `reports`, or
    /// until `wait` is over. A second poll of the same mirror ends the first.
    func assignments(
        of mirror: String, after generation: Generation?, reports: UInt64?, neighbourhood: String?,
        standings: String?, wait: Duration, connection: UInt64
    ) async throws -> AssignmentsAnswer {
        try settleOverrides()
        polls.wake(.assignments(mirror: mirror))
        let poll = nextPoll
        pollers[mirror] = Poller(connection: connection, poll: poll, ended: nil)
        if !hasNews(for: mirror, after: generation, reports: reports), standings == desk.verifier.standingsTag {
            await next(.assignments(mirror: mirror), connection: connection, until: .now() + TimeAmount(wait))
        }
        if pollers[mirror]?.poll == poll { pollers[mirror]?.ended = .now() }
        var answer = inventory.assignments(of: mirror, after: generation, neighbourhood: neighbourhood)
        answer.limits = inventory.overrides(of: mirror).first { $0.kind == .limited }?.limits
        answer.standingsTag = desk.verifier.standingsTag
        if answer.standingsTag != standings, answer.standingsTag != nil {
            answer.standings = Base64Bytes(desk.verifier.list.encode())
        }
        answer.timestampVersion = UInt64(exactly: seal.versions[.timestamp])
        return answer
    }

    private func hasNews(for mirror: String, after generation: Generation?, reports: UInt64?) -> Bool {
        if reports != inventory.reportNow { return true }
        let answer = inventory.assignments(of: mirror, after: generation)
        return !answer.lines.isEmpty
    }

    /// Mirrors that will hear of a call for reports at once, or just polled and are about to do it again; ascending.
    private func reachableMirrors() -> [String] {
        let since = NIODeadline.now() - TimeAmount(limits.pollGap)
        return pollers.filter { $0.value.ended.map { $0 >= since } ?? true }.keys.sorted()
    }

    // MARK: Releases

    /// Registers a release once its signatures and its document are verified.
    func register(_ registration: ReleaseRegistration, by identity: FleetIdentity) throws -> RegisteredRelease {
        let set = registration.set
        guard let policy = inventory.fleet.set(named: set) else {
            throw RequestError.unknownSet(set, known: inventory.fleet.sets.map(\.name))
        }
        guard identity.role != .origin || policy.origin == identity.name else {
            throw RequestError.notAllowed("\(identity.name) is not the origin of \(set), \(policy.origin) is")
        }
        try take(registration.metadata.bytes)
        let release = try seal.verified(registration, registeredAt: now())
        guard try inventory.isNews(release) else {
            return inventory.releases[ReleaseName(set: set, sequence: release.sequence)] ?? release
        }
        arrive(.releaseVerified)
        try database.save(release, document: registration.document.bytes)
        arrive(.releaseSaved)
        inventory.register(release)
        logger.info(
            "release registered",
            metadata: [
                "fleet.set": "\(set)", "fleet.sequence": "\(release.sequence)", "fleet.root": "\(release.root)",
                "fleet.by": "\(identity.uri)",
            ])
        changed()
        return release
    }

    /// Takes newer metadata, and tells every mirror that waits: what it says may be urgent.
    func take(_ submission: MetadataSubmission, by identity: FleetIdentity) throws -> MetadataReceipt {
        let before = seal.versions
        try take(submission.metadata.bytes)
        if seal.versions[.snapshot] != before[.snapshot] || seal.versions.root != before.root {
            polls.wakeAssignments { _ in true }
            changed()
        }
        return MetadataReceipt(versions: seal.versions.encoded)
    }

    private func take(_ metadata: [UInt8]) throws {
        let newer = try seal.taking(metadata)
        guard newer.documents != seal.documents else { return }
        try database.save(.metadata, Base64.encode(newer.documents.encode()))
        seal = newer
    }

    /// What was verified before the start, with the roots of the trust folder.
    private static func restoredSeal(
        _ policy: AcceptedPolicy, _ database: StateDatabase, _ logger: Logger
    ) throws -> ReleaseSeal {
        let given = RepositoryDocuments(roots: policy.roots)
        guard let text = try database.setting(.metadata), let bytes = Base64.decode(text),
            let kept = try? RepositoryDocuments(decoding: bytes)
        else { return ReleaseSeal(fleet: policy.fleet.name, documents: given) }
        guard given.roots.allSatisfy({ kept.roots[$0.key] == nil || kept.roots[$0.key] == $0.value }) else {
            logger.warning("the trust folder has other roots than before: metadata is forgotten")
            return ReleaseSeal(fleet: policy.fleet.name, documents: given)
        }
        return ReleaseSeal(fleet: policy.fleet.name, documents: kept)
    }

    /// Registered releases of a set, or of all, ascending; a mirror sees only those of its own sets.
    func releases(set: String?, for identity: FleetIdentity) -> ReleaseList {
        let visible = visibleSets(identity)
        return ReleaseList(
            releases: inventory.sortedReleases.filter { visible.contains($0.set) && (set ?? $0.set) == $0.set })
    }

    /// One registered release; a mirror sees only those of its own sets.
    func release(_ name: ReleaseName, for identity: FleetIdentity) throws -> RegisteredRelease {
        guard visibleSets(identity).contains(name.set), let release = inventory.releases[name] else {
            throw RequestError.notFound("there is no release \(name)")
        }
        return release
    }

    /// What mirrors said in their last reports of holding a release; nothing is verified here, whoever asks does that.
    func receipts(of release: String, set: String, for identity: FleetIdentity) throws -> ReceiptsAnswer {
        guard visibleSets(identity).contains(set) else {
            throw RequestError.unknownSet(set, known: visibleSets(identity).sorted())
        }
        let said = inventory.observations.compactMap { observation -> SignedReceipt? in
            guard let text = observation.report.set(named: set)?.receipt, let bytes = Base64.decode(text),
                let signed = try? SignedReceipt(decoding: bytes), let receipt = try? HoldReceipt(decoding: signed.body),
                receipt.set == set, "\(receipt.release)" == release
            else { return nil }
            return signed
        }
        return ReceiptsAnswer(receipts: ReceiptList(said).encode())
    }

    private func visibleSets(_ identity: FleetIdentity) -> Set<String> {
        guard identity.role == .agent || identity.role == .origin else {
            return Set(inventory.fleet.sets.map(\.name))
        }
        let own = inventory.fleet.sets.filter { $0.origin == identity.name }.map(\.name)
        return Set(inventory.fleet.mirror(named: identity.name)?.sets ?? []).union(own)
    }

    // MARK: Plans

    /// Makes a plan from reports that are as fresh as the order asks for; keeps and hands it out unless it is a dry run.
    func makePlan(_ order: PlanOrder) async throws -> PlanAnswer {
        for name in order.sets ?? [] where inventory.fleet.set(named: name) == nil {
            throw RequestError.unknownSet(name, known: inventory.fleet.sets.map(\.name))
        }
        for name in order.mirrors ?? [] where inventory.fleet.mirror(named: name) == nil {
            throw RequestError.unknownMirror(name, known: inventory.fleet.mirrors.map(\.name))
        }
        guard openOrders < limits.openOrders, !isShuttingDown else {
            throw RequestError.busy("\(openOrders) plans are being made")
        }
        try settleOverrides()
        openOrders += 1
        defer { openOrders -= 1 }
        let unanswered = try await refresh(order)
        if !order.dryRun { try inventory.expectPlans() }
        let plan = Planner.plan(
            fleet: inventory.fleet, releases: inventory.sortedReleases, inventory: inventory.observations,
            request: PlanRequest(sets: order.sets, mirrors: order.mirrors), parent: inventory.current?.generation,
            generation: inventory.nextGeneration, policies: seal.policies, now: now())
        let refusing = inventory.mirrors(following: plan.generation)
        if order.dryRun { return PlanAnswer(plan: plan, isKept: false, unanswered: unanswered, refusing: refusing) }
        let before = inventory.current
        arrive(.planMade)
        try database.save(plan)
        arrive(.planSaved)
        inventory.adopt(plan)
        logger.info(
            "plan made",
            metadata: ["fleet.generation": "\(plan.generation)", "fleet.lines": "\(plan.lines.count)"])
        changed()
        // Whom the plan gives something to do, or takes something from; others learn its number at their next poll.
        polls.wakeAssignments { mirror in
            plan.lines(of: mirror).contains { $0.action != .none } || inventory.isOpen(before, for: mirror)
        }
        arrive(.planHandedOut)
        return PlanAnswer(plan: plan, isKept: true, unanswered: unanswered, refusing: refusing)
    }

    /// Calls for fresh reports and waits until every mirror that can hear the call has answered, or the time is over.
    ///
    /// - Returns: the mirrors asked about that gave no fresh report, ascending.
    private func refresh(_ order: PlanOrder) async throws -> [String] {
        let asked = (order.mirrors ?? inventory.fleet.mirrors.map(\.name)).sorted()
        guard order.refreshSeconds > 0 else { return [] }
        let before = taken
        func silent(_ mirrors: some Sequence<String>) -> [String] {
            mirrors.filter { taken[$0] == before[$0] }
        }
        // A mirror outside the order can still be a source: all that can hear are waited for.
        let reachable = reachableMirrors()
        arrive(.reportsWanted)
        try database.save(.reportNow, String(inventory.reportNow + 1))
        inventory.callForReports(inventory.reportNow + 1)
        polls.wakeAssignments { _ in true }
        let longest = min(Duration.seconds(order.refreshSeconds), limits.longestRefresh)
        let deadline = NIODeadline.now() + TimeAmount(longest)
        // One whose connection ends meanwhile is not waited for any longer.
        while !silent(reachable.filter { pollers[$0] != nil }).isEmpty, NIODeadline.now() < deadline, !isShuttingDown,
            !Task.isCancelled
        {
            await next(.reports, connection: nil, until: deadline)
        }
        return silent(asked)
    }

    /// The newest plan.
    func currentPlan() throws -> Plan {
        guard let plan = inventory.current else { throw RequestError.notFound("there is no plan yet") }
        return plan
    }

    /// A plan of the past.
    func plan(_ generation: Generation) throws -> Plan {
        guard let plan = try database.plan(generation) else {
            throw RequestError.notFound("there is no plan \(generation)")
        }
        return plan
    }

    // MARK: Terms

    /// Where our plans stand among those that the mirrors follow.
    func term() -> TermAnswer {
        inventory.termAnswer(coordinator: identity.name)
    }

    /// Begins a term once the operator's signature is verified.
    func declare(_ declaration: TermDeclaration, by peer: FleetIdentity) throws -> TermAnswer {
        let bytes = declaration.signed.bytes
        let declared: FleetTerm
        do {
            declared = try desk.verifier.operators.verify(SignedTerm(decoding: bytes))
        } catch {
            throw RequestError.unacceptable(RefusalCode.termRefused, "the term is refused: \(error)")
        }
        if try inventory.isNews(declared, signed: bytes, coordinator: identity.name) {
            try database.save(.signedTerm, Base64.encode(bytes))
            arrive(.termSaved)
            inventory.enter(term: declared.number, signed: bytes)
            logger.info(
                "term declared", metadata: ["fleet.term": "\(declared.number)", "fleet.by": "\(peer.uri)"])
            changed()
        }
        return term()
    }

    // MARK: Status

    /// The state of the fleet; with `after`, once something changed or `wait` is over.
    func status(after known: UInt64?, wait: Duration, connection: UInt64) async throws -> StatusAnswer {
        if known == change, wait > .zero {
            guard polls.count(.status) < limits.statusPolls else {
                throw RequestError.busy("\(limits.statusPolls) others follow the status")
            }
            await next(.status, connection: connection, until: .now() + TimeAmount(wait))
        }
        try settleOverrides()
        return StatusAnswer(
            change: change, generation: inventory.current?.generation,
            status: StatusComputation.status(
                fleet: inventory.fleet, releases: inventory.sortedReleases, inventory: inventory.observations,
                overrides: inventory.overrides, trust: seal.sets, now: now()))
    }

    func changed() {
        change += 1
        polls.wake(.status)
    }

    // MARK: Waiting

    /// Suspends until a wake of `topic`, the connection's end, the deadline, cancellation or shutdown.
    private func next(
        _ topic: LongPolls.Topic, connection: UInt64?, until deadline: NIODeadline
    ) async {
        guard !isShuttingDown, NIODeadline.now() < deadline else { return }
        let number = nextPoll
        nextPoll += 1
        let timer = eventLoop.scheduleTask(deadline: deadline) { self.end(poll: number) }
        defer { timer.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                polls.add(number, topic: topic, connection: connection, continuation: continuation)
            }
        } onCancel: {
            self.end(poll: number)
        }
    }

    private nonisolated func end(poll number: UInt64) {
        // The executor is the loop, so this runs as soon as the actor is free, after the poll was added.
        Task { await self.wake(number) }
    }

    private func wake(_ number: UInt64) {
        polls.wake(number)
    }

    /// Ends the polls of a connection that is gone: nobody is there to answer.
    nonisolated func connectionIsGone(_ connection: UInt64) {
        Task { await self.forget(connection) }
    }

    private func forget(_ connection: UInt64) {
        polls.wake(connection: connection)
        pollers = pollers.filter { $0.value.connection != connection }
        polls.wake(.reports)
    }

    var database: StateDatabase {
        get throws(RequestError) {
            guard let open else { throw .busy("the coordinator is stopping") }
            return open
        }
    }

    /// Lets go of the state on disk, for the next process; from now on every call that needs it is refused.
    func close() {
        endPolls()
        open = nil
    }

    /// Answers every waiting request at once, and from now on none waits.
    nonisolated func shutDown() {
        Task { await self.endPolls() }
    }

    private func endPolls() {
        isShuttingDown = true
        polls.wakeAll()
    }
}
