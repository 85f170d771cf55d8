import Content
import FleetCertificates
import FleetModel
import Glibc
import LinuxIO
import Logging
import STOQ
import STOQTransport
import Store
import Synchronization
import Testing
import Trust
import TrustSupport
import UpdateFramework

import AgentService

/// A publisher with its store, and hosts that speak to each other over real connections, all in this process.
final class SyncLab: Sendable {
    let path: String
    let origin: Store
    let pool = BlockingPool(threads: 8)
    private let folder: Folder
    private let publisher: TestPublisher
    private let trust: TrustedRepository
    private let authority: CertificateAuthority

    init() throws {
        var template = Array("/tmp/sync-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        folder = try Folder.open(path)
        publisher = try TestPublisher(fleet: "lab", sets: ["pool"])
        authority = try CertificateAuthority.create(fleet: "lab")
        try authority.save(certificatePath: "\(path)/ca.pem", keyPath: "\(path)/ca.key")
        origin = try Store.open(data: "\(path)/origin")
        trust = try Self.trust(of: publisher, in: "\(path)/origin", isKeeper: true)
        try trust.accept(publisher.start)
    }

    /// What a host believes whose data is in the folder `data`.
    private static func trust(
        of publisher: TestPublisher, in data: String, isKeeper: Bool = false
    ) throws -> TrustedRepository {
        try TrustedRepository(
            fleet: "lab", root: publisher.root, folder: Folder.open("\(data)/.store"),
            keeper: isKeeper ? publisher.keeper : nil, wallClock: { TestPublisher.now.secondsSince1970 }, logger: logger
        )
    }

    deinit {
        try? folder.removeContents()
        rmdir(path)
    }

    /// Writes a file of the source tree.
    func write(_ name: String, _ bytes: [UInt8]) throws {
        let source = try folder.ensureFolder("source")
        try source.unlinkIfPresent(name)
        let file = try source.createFile(name, mode: 0o644)
        try file.write(bytes, at: 0)
        try file.setModified(FileTime(seconds: 1_600_000_000))
    }

    /// Publishes the source tree.
    @discardableResult
    func publish() throws -> VerifiedRelease {
        let session = try origin.beginIngest(set: "pool")
        let draft = try session.run(source: "\(path)/source")
        let document = try ReleaseDocument(
            fleet: "lab", set: "pool", sequence: (draft.previous?.sequence ?? 0) + 1, publishedAt: 1_700_000_000,
            manifest: draft.root, predecessor: draft.previous.map { .release($0.digest) } ?? .first,
            changeset: draft.changeset, chunkProfile: draft.chunkProfile.identifier, chunkLog: draft.chunkLog)
        let bytes = document.encode()
        let held = trust.repository?.contents(ofSet: "pool")
        try trust.accept(publisher.role(of: "pool", after: held, naming: [(document.sequence, bytes)]))
        let release = try trust.verify(bytes, sequence: document.sequence, ofSet: "pool", above: nil)
        _ = try session.commit(release)
        return release
    }

    private func endpoint(_ name: String, _ service: any STOQService) throws -> STOQEndpoint {
        let identity = try FleetIdentity(fleet: "lab", role: .agent, name: name)
        try authority.issue(identity, days: 30)
            .save(certificatePath: "\(path)/\(name).pem", keyPath: "\(path)/\(name).key")
        let credentials = try HostCredentials(
            certificatePath: "\(path)/\(name).pem", keyPath: "\(path)/\(name).key", authorityPath: "\(path)/ca.pem")
        return try STOQEndpoint(settings: STOQSettings(credentials: credentials), service: service, logger: Self.logger)
    }

    static var logger: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    /// A source that answers as `twist` wants, and rightly where it does not.
    func source(_ name: String, _ twist: @escaping ScriptedSource.Twist = { _, _, _ in false }) async throws -> Source {
        let service = ScriptedSource(content: ContentService(store: origin, trust: trust, pool: pool), twist: twist)
        let endpoint = try endpoint(name, service)
        let bound = try await endpoint.listen(host: "127.0.0.1", port: 0)
        return Source(
            endpoint: endpoint, service: service,
            line: PlanSource(
                name: name, address: NetworkAddress(host: bound.host, port: bound.port), sequence: 1))
    }

    /// A mirror without anything, or with what a sync brought before.
    func mirror(_ name: String) throws -> Mirror {
        let store = try Store.open(data: "\(path)/\(name)")
        return Mirror(
            name: name, store: store, trust: try Self.trust(of: publisher, in: "\(path)/\(name)"),
            endpoint: try endpoint(name, ScriptedSource(content: nil) { _, _, _ in false }))
    }

    /// Brings a mirror to a release; what it took.
    @discardableResult
    func sync(_ mirror: Mirror, to release: VerifiedRelease, from sources: [Source]) async throws -> SyncSummary {
        let line = PlanLine(
            mirror: mirror.name, set: "pool", action: .sync, sequence: release.document.sequence,
            release: "\(release.digest)", sources: sources.map(\.line), reason: Reason(code: .behind, text: ""))
        let summary = try await SetSync.attempt(
            line, host: mirror.name, store: mirror.store, endpoint: mirror.endpoint, trust: mirror.trust, pool: pool,
            logger: Self.logger)
        let served = try #require(try mirror.store.served(set: "pool"))
        #expect(served.release == release.digest && served.root == release.document.manifest.digest)
        #expect(try mirror.store.verify(.full, set: "pool").isClean)
        return summary
    }

    func shutDown(_ endpoints: [STOQEndpoint]) async throws {
        for endpoint in endpoints { await endpoint.shutdown() }
        try await pool.shutdown()
    }

    struct Source {
        let endpoint: STOQEndpoint
        let service: ScriptedSource
        let line: PlanSource
    }

    struct Mirror {
        let name: String
        let store: Store
        let trust: TrustedRepository
        let endpoint: STOQEndpoint
    }
}

/// Serves a store, but for what a test wants answered otherwise.
final class ScriptedSource: STOQService {
    /// Whether the request was answered.
    typealias Twist = @Sendable (STOQRequest, STOQStream, ContentService) async throws -> Bool

    private let content: ContentService?
    private let twist: Twist
    private let names = Mutex<[String]>([])

    init(content: ContentService?, twist: @escaping Twist) {
        self.content = content
        self.twist = twist
    }

    /// What was asked for, in words.
    var requests: [String] { names.withLock { $0 } }

    func greeting() async -> STOQGreeting { STOQGreeting(fleet: "lab", name: "source") }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {}

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        names.withLock { $0.append(request.name) }
        guard let content else { return stream.reset(.notFound, "") }
        if try await twist(request, stream, content) { return }
        do {
            try await content.answer(request, on: stream)
        } catch let refusal as ServeRefusal {
            stream.reset(refusal.code, refusal.reason)
        }
    }
}

/// Pseudo-random bytes, the same for the same seed.
func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = SplitMix(state: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes += $0 } }
    return Array(bytes.prefix(count))
}
