import FleetAPI
import FleetCertificates
import FleetModel
import LinuxIO
import Logging
import STOQ
import STOQTransport
import ServiceLifecycle
import Store
import Synchronization
import Telemetry
import Trust

/// One host of the fleet: the store, the endpoint that serves and asks peers, the link to the coordinator.
///
/// It owns nothing that the coordinator could widen: what it may publish, whose signatures it takes and where its
/// files are stands in its own agent.yaml.
struct Agent: Service {
    private let settings: AgentSettings
    private let readyFile: String?
    private let manager: ServiceManager
    private let store: Store
    private let trust: TrustedRepository
    private let renewal: TimestampRenewal
    private let endpoint: STOQEndpoint
    private let follower: PlanFollower
    private let reporter: Reporter
    private let watcher: HeadWatcher
    private let metadata: MetadataWatcher
    private let standings: StandingKeeper
    private let credentials: HostCredentials
    private let certificate: CertificateRenewal
    private let bandwidth: BandwidthControl
    private let syncs: SetSyncs
    private let tender: TreeTender
    private let pool: BlockingPool
    private let collection: BackgroundCollection
    private let logger: Logger

    /// Threads for files and hashing; more than cores, since some wait for the disk.
    private static let blockingThreads = 6

    /// Opens the store and prepares everything; nothing listens yet. Throws errors that say what to do.
    /// - Parameter configuration: the path of agent.yaml; hooks lie beside it.
    init(
        _ live: LiveSettings, configuration: String, readyFile: String?, manager: ServiceManager, logger: Logger
    ) throws {
        let settings = live.current
        self.settings = settings
        self.readyFile = readyFile
        self.manager = manager
        self.logger = logger
        let credentials = try HostCredentials(
            certificatePath: settings.certificatePath, keyPath: settings.keyPath,
            authorityPath: settings.authorityPath)
        self.credentials = credentials
        try AgentConfigurationError.check(credentials.identity, settings)
        let clock = WallClock()
        let crashPoint = try CrashPoint.fromEnvironment()
        store = try Store.open(
            data: settings.dataPath, state: settings.statePath,
            onPhase: { phase, set in
                logger.debug("store", metadata: ["phase": "\(phase.rawValue)", "set": "\(set)"])
                crashPoint?.arrive(at: phase)
            })
        store.leaveFree { live.disk.reserveBytes(ofDisk: $0) }
        let folder = try Folder.open("\(settings.dataPath)/.store")
        trust = try TrustedRepository.open(settings, in: folder, clock: clock, logger: logger)
        pool = BlockingPool(threads: Self.blockingThreads)
        tender = TreeTender(store: store, pool: pool, logger: logger)
        let activity = AgentActivity()
        collection = BackgroundCollection(
            store: store, settings: live, activity: activity, pool: pool, clock: clock, logger: logger)
        renewal = TimestampRenewal(trust: trust, activity: activity, pool: pool, clock: clock, logger: logger)
        let client = try CoordinatorClient(
            CoordinatorClient.Settings(
                addresses: settings.coordinators.map { "https://\($0)" }, fleet: settings.fleet,
                certificate: settings.certificatePath, key: settings.keyPath, authority: settings.authorityPath))
        let reports = ReportLine()
        let greetings = GreetingLine()
        let swarms = Swarms(
            settings: settings, store: store, record: SourceRecord(in: folder, clock: clock, logger: logger),
            pool: pool,
            logger: logger)
        let receipts = Receipts(credentials: credentials, clock: clock, logger: logger)
        let commands = CommandService(
            settings: live, store: store, trust: trust, activity: activity, pool: pool, clock: clock,
            tender: tender, swarms: swarms, logger: logger, deliverReport: { await reports.deliver() })
        endpoint = try STOQEndpoint(
            settings: Self.endpointSettings(credentials, settings),
            service: PeerService(
                settings: live, store: store, trust: trust, pool: pool,
                content: ContentService(store: store, trust: trust, pool: pool, swarms: swarms, receipts: receipts),
                verifier: credentials.verifier,
                commands: commands, logger: logger,
                greeted: {
                    greetings.take($0, from: $1)
                    // Who has something new may hold what is waited for.
                    receipts.news.raise()
                }),
            logger: logger)
        bandwidth = BandwidthControl(ceilings: settings.bandwidth, endpoint: endpoint, clock: clock, logger: logger)
        reporter = Reporter(
            settings: settings, credentials: credentials, store: store, trust: trust, receipts: receipts,
            activity: activity, endpoint: endpoint, bandwidth: bandwidth, swarms: swarms,
            client: client, pool: pool, clock: clock, logger: logger)
        bandwidth.take(yieldAbove: swarms.policy.sharing.yieldAbovePercent)
        reports.connect(reporter)
        standings = try StandingKeeper(
            verifier: credentials.verifier, in: folder, endpoint: endpoint, client: client, pool: pool, logger: logger)
        certificate = CertificateRenewal(
            settings: settings, endpoint: endpoint, client: client, activity: activity, pool: pool, clock: clock,
            logger: logger)
        syncs = SetSyncs(
            settings: live, store: store, endpoint: endpoint, trust: trust, activity: activity, pool: pool,
            clock: clock, tender: tender, swarms: swarms,
            hooks: HostHooks(besideFile: configuration, settings: settings, logger: logger),
            receipts: ReceiptExchange(
                known: receipts, endpoint: endpoint, client: client, neighbours: { [standings] in standings.neighbours }
            ),
            logger: logger)
        let generations = GenerationFile(in: folder)
        // Reports say it from the first one on: a coordinator that lost its plans learns from them what was followed.
        activity.generation = try generations.read()
        watcher = HeadWatcher(
            settings: settings, store: store, endpoint: endpoint, trust: trust, activity: activity, pool: pool,
            file: NeighbourhoodFile(in: folder), logger: logger, follow: { [syncs] in syncs.follow($0) })
        metadata = MetadataWatcher(
            trust: trust, store: store, endpoint: endpoint, client: client, activity: activity, pool: pool,
            clock: clock,
            logger: logger)
        greetings.connect(watcher, metadata)
        if let known = try? NeighbourhoodFile(in: folder).read() {
            metadata.appointed(known)
            bandwidth.take(known.bandwidth)
            swarms.take(known.swarm)
            bandwidth.take(yieldAbove: swarms.policy.sharing.yieldAbovePercent)
        }
        follower = PlanFollower(
            client: client, activity: activity, generations: generations,
            operators: credentials.verifier.operators, watcher: watcher, metadata: metadata, standings: standings,
            bandwidth: bandwidth, swarms: swarms, reporter: reporter,
            pool: pool, clock: clock, logger: logger,
            follow: { [syncs, store, pool] lines, idle in
                // What this mirror moved beyond by itself, the plan in force need not ask for again.
                let newer = try? await pool.run { try lines.filter { try !store.isBeyond($0) } }
                syncs.follow(newer ?? lines, idle: idle)
            })
    }

    /// Where the process may have few descriptors, half of them stay for files.
    private static func endpointSettings(_ credentials: HostCredentials, _ agent: AgentSettings) -> STOQSettings {
        var settings = STOQSettings(credentials: credentials)
        settings.connectionLimit = min(
            settings.connectionLimit, max(settings.handshakeLimit, raiseDescriptorLimit() / 2))
        if let limit = agent.sharing.connectionsPerPeer { settings.connectionsPerPeer = limit }
        if agent.requiresMLKEM1024 { settings.keyExchange = .mlkem1024 }
        return settings
    }

    /// Serves, follows plans and reports until it is told to stop.
    func run() async throws {
        let address = try await listen()
        logger.info("ready", metadata: ["name": "\(settings.name)", "address": "\(address)"])
        if let readyFile { try ReadyFile.write(address, to: readyFile) }
        manager.ready("serves at \(address)")
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await syncs.run() }
                group.addTask { await collection.run() }
                group.addTask { await tender.run() }
                group.addTask { await reporter.run() }
                group.addTask { await follower.run() }
                group.addTask { await removeLeftovers() }
                group.addTask { await watcher.run() }
                group.addTask { await renewal.run() }
                group.addTask { await metadata.run() }
                group.addTask { await standings.run() }
                group.addTask { await certificate.run(credentials) }
                group.addTask { await bandwidth.run() }
                group.addTask { await bandwidth.yieldToClients() }
            }
        }
        await endpoint.shutdown()
        try await pool.run { [store] in store.close() }
        try await pool.shutdown()
        logger.info("stopped")
    }

    /// Begins to listen; the address, with the port that was chosen if agent.yaml leaves it open.
    private func listen() async throws -> NetworkAddress {
        do {
            let bound = try await endpoint.listen(host: settings.listen.host, port: settings.listen.port)
            return NetworkAddress(host: bound.host, port: bound.port)
        } catch let error as STOQError {
            throw AgentConfigurationError.cannotListen(error.reason)
        }
    }

    /// Clears away what a killed process left of trees, beside everything else: it may be as large as a set.
    private func removeLeftovers() async {
        do {
            try await pool.run { [store] in try store.removeLeftovers() }
        } catch {
            logger.warning("cannot remove leftovers", metadata: ["error": "\(error)"])
        }
    }
}

extension Agent: CustomStringConvertible {
    /// For the log of what starts and stops: without it all that the agent is made of would stand there.
    var description: String { "agent \(settings.name)" }
}

/// Lets commands ask for a report although the reporter is made after them.
private final class ReportLine: Sendable {
    /// A command waits no longer than this for its report to get through.
    private static let limit = Duration.seconds(3)

    private let reporter = Mutex<Reporter?>(nil)

    func connect(_ reporter: Reporter) {
        self.reporter.withLock { $0 = reporter }
    }

    func deliver() async {
        await reporter.withLock { $0 }?.deliver(atMost: Self.limit)
    }
}

/// Passes greetings on although those who take them are made after the endpoint.
private final class GreetingLine: Sendable {
    private let watchers = Mutex<(heads: HeadWatcher, metadata: MetadataWatcher)?>(nil)

    func connect(_ heads: HeadWatcher, _ metadata: MetadataWatcher) {
        watchers.withLock { $0 = (heads, metadata) }
    }

    func take(_ greeting: STOQGreeting, from name: String) {
        guard let watchers = watchers.withLock({ $0 }) else { return }
        watchers.heads.greeted(greeting, by: name)
        watchers.metadata.greeted(version: greeting.timestampVersion, by: name)
    }
}

extension Store {
    /// Whether the head of the line's set is above what the line asks for.
    fileprivate func isBeyond(_ line: PlanLine) throws -> Bool {
        guard line.action == .sync, let sequence = line.sequence, let head = try head(set: line.set) else {
            return false
        }
        return head.sequence > sequence
    }
}
