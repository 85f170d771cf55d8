import AgentService
import Content
import Hashing
import LinuxIO
import Logging
import Synchronization
import Testing
import Trust
import TrustSupport
import UpdateFramework

/// What a host believes, over time and restarts.
@Suite("The trusted repository of a host")
struct TrustedRepositoryTests {
    private let lab: SyncLab
    private let publisher: TestPublisher
    private let clock = Clock()

    init() throws {
        lab = try SyncLab()
        publisher = try TestPublisher(fleet: "lab", sets: ["pool"])
    }

    private final class Clock: Sendable {
        private let seconds = Mutex(TestPublisher.now.secondsSince1970)
        var now: Int64 { seconds.withLock { $0 } }
        func set(_ time: MetadataTime) { seconds.withLock { $0 = time.secondsSince1970 } }
    }

    private func open(_ name: String, isKeeper: Bool = false, root: [UInt8]? = nil) throws -> TrustedRepository {
        try TrustedRepository(
            fleet: "lab", root: root ?? publisher.root, folder: try Folder.open(lab.path).ensureFolder(name),
            keeper: isKeeper ? publisher.keeper : nil, wallClock: { [clock] in clock.now }, logger: SyncLab.logger)
    }

    private func document(_ sequence: UInt64) throws -> [UInt8] {
        try ReleaseDocument(
            fleet: "lab", set: "pool", sequence: sequence, publishedAt: 1, manifest: ManifestTree.emptyRoot,
            predecessor: sequence == 1 ? .first : .release(ReleaseDigest(BLAKE3.hash([1]))), changeset: nil,
            chunkProfile: 1, chunkLog: ChunkLogHead(epoch: 1, size: 0, root: LogEntryDigest(BLAKE3.hash([1])))
        ).encode()
    }

    @Test("What was taken is there after a restart, fresh or not")
    func restart() throws {
        let host = try open("m1")
        let bytes = try document(1)
        #expect(throws: TrustError.self) { try host.verify(bytes, sequence: 1, ofSet: "pool", above: nil) }
        #expect(try host.take(publisher.publish(bytes, sequence: 1, of: "pool")))
        #expect(try host.verify(bytes, sequence: 1, ofSet: "pool", above: nil).document.sequence == 1)
        let again = try open("m1")
        #expect(again.repository?.versions == host.repository?.versions)
        // A day later nothing is fresh: what is held stays good, and nothing else becomes it.
        clock.set(TestPublisher.now.adding(90_000))
        let late = try open("m1")
        #expect(try late.verify(bytes, sequence: 1, ofSet: "pool", above: nil, isHeld: true).document.sequence == 1)
        let error = #expect(throws: TrustError.self) {
            try late.verify(bytes, sequence: 1, ofSet: "pool", above: nil)
        }
        #expect("\(try #require(error))".contains("freshness expired since"))
        #expect(throws: UpdateError.self) { try late.take(RepositoryDocuments()) }
    }

    @Test("A clock that is set back makes nothing count again, and hinders nothing")
    func clockSetBack() throws {
        let host = try open("m1")
        let later = TestPublisher.now.adding(80_000)
        #expect(try host.take(publisher.publish(try document(1), sequence: 1, of: "pool")))
        clock.set(later)
        #expect(try host.take(publisher.publish(try document(2), sequence: 2, of: "pool", now: later)))
        for name in ["running", "started again"] {
            clock.set(TestPublisher.now.adding(-34_560_000))
            let host = name == "running" ? host : try open("m1")
            #expect(try host.verify(document(2), sequence: 2, ofSet: "pool", above: nil).document.sequence == 2)
            // Old metadata is old, whatever the clock says.
            let old = try TestPublisher(fleet: "lab", sets: ["pool"])
                .publish(document(1), sequence: 1, of: "pool", now: TestPublisher.now.adding(-40_000_000))
            #expect(throws: UpdateError.self) { try host.take(old) }
        }
        let next = later.adding(900)
        #expect(try host.take(publisher.publish(try document(3), sequence: 3, of: "pool", now: next)))
    }

    @Test("A timestamp from the future is not taken, so that it cannot make the present expire")
    func future() throws {
        let host = try open("m1")
        let error = #expect(throws: UpdateError.self) {
            try host.take(
                publisher.publish(document(1), sequence: 1, of: "pool", now: TestPublisher.now.adding(100_000)))
        }
        #expect(error?.label == "from-the-future")
        #expect(host.repository == nil)
    }

    @Test("The keeper signs what an operator brings, and refuses what is not signed by those who may")
    func keeper() throws {
        let keeper = try open("origin", isKeeper: true)
        let bytes = try document(1)
        try keeper.accept(publisher.start)
        try keeper.accept(publisher.role(of: "pool", naming: [(1, bytes)]))
        let versions = try #require(keeper.repository).versions
        #expect(try keeper.verify(bytes, sequence: 1, ofSet: "pool", above: nil).document.sequence == 1)
        let stranger = try TestPublisher(fleet: "lab", sets: ["pool"], seed: 99)
        let held = keeper.repository?.contents(ofSet: "pool")
        #expect(throws: UpdateError.self) {
            try keeper.accept(stranger.role(of: "pool", after: held, naming: [(2, document(2))]))
        }
        // An older role again, and a timestamp of somebody else's, change nothing.
        #expect(throws: UpdateError.self) { try keeper.accept(stranger.documents(naming: [(1, bytes)], of: "pool")) }
        #expect(keeper.repository?.versions == versions)
        // A mirror takes all of it at once.
        let mirror = try open("m1")
        #expect(try mirror.take(keeper.documents(newerThan: MetadataVersions())))
        #expect(try !mirror.take(keeper.documents(newerThan: mirror.repository?.versions ?? MetadataVersions())))
        #expect(try mirror.verify(bytes, sequence: 1, ofSet: "pool", above: nil).document.sequence == 1)
    }

    @Test("Another root than the one trusted until now is refused, with what to do")
    func otherRoot() throws {
        let host = try open("m1")
        #expect(try host.take(publisher.publish(try document(1), sequence: 1, of: "pool")))
        let stranger = try TestPublisher(fleet: "lab", sets: ["pool"], seed: 99)
        let error = #expect(throws: TrustStartError.self) { try open("m1", root: stranger.root) }
        #expect("\(try #require(error))".contains(".store/metadata"))
        #expect(throws: TrustStartError.self) { try open("m2", root: [1, 2, 3]) }
        let folder = try Folder.open(lab.path).ensureFolder("m1")
        try folder.writeDurably([1, 2, 3], to: "metadata", through: ".new", mode: 0o600)
        let damaged = #expect(throws: TrustStartError.self) { try open("m1") }
        #expect("\(try #require(damaged))".contains("damaged"))
    }
}
