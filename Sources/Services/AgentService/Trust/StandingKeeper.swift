import FleetAPI
import FleetCertificates
import FleetModel
import LinuxIO
import Logging
import STOQ
import STOQTransport
import Synchronization
import Trust

/// Keeps what operators said of hosts that lost their standing, also over restarts, and closes their connections.
///
/// It comes with the answers of the coordinator; while there are none, from neighbours.
final class StandingKeeper: Sendable {
    /// How often neighbours are asked while the coordinator does not answer: a word has to be everywhere in a minute.
    private static let interval = Duration.seconds(15)

    private let verifier: PeerVerifier
    private let file: StandingFile
    private let endpoint: STOQEndpoint
    private let client: CoordinatorClient
    private let pool: BlockingPool
    private let logger: Logger

    private struct State {
        var neighbours: [Neighbour] = []
        var isAlone = false
    }

    private let state: Mutex<State>
    /// Raised when the coordinator begins not to answer.
    private let alone = Signal()

    /// Takes up what was kept in `folder`. Throws `FileError`.
    init(
        verifier: PeerVerifier, in folder: Folder, endpoint: STOQEndpoint, client: CoordinatorClient,
        pool: BlockingPool,
        logger: Logger
    ) throws {
        self.verifier = verifier
        file = StandingFile(in: folder)
        self.endpoint = endpoint
        self.client = client
        self.pool = pool
        self.logger = logger
        state = Mutex(State(neighbours: (try? NeighbourhoodFile(in: folder).read())?.neighbours ?? []))
        if let kept = try file.read() { _ = verifier.take(kept) }
    }

    /// Names what is in force here; nil: nothing.
    var tag: String? { verifier.standingsTag }

    /// The list that is in force here.
    var list: StandingList { verifier.list }

    /// Whom the coordinator last named as neighbours.
    var neighbours: [Neighbour] { state.withLock { $0.neighbours } }

    /// The coordinator answered a poll.
    func pollAnswered(_ answer: AssignmentsAnswer) async {
        state.withLock { state in
            state.isAlone = false
            if let neighbours = answer.neighbourhood?.neighbours { state.neighbours = neighbours }
        }
        if let bytes = answer.standings?.bytes { await take(bytes, from: "coordinator") }
        guard let tag, tag != answer.standingsTag else { return }
        // It knows less than this host: its state was lost.
        do {
            _ = try await client.submit(standings: list.encode())
        } catch {
            logger.debug("the coordinator was not given the standings", metadata: ["error": "\(error)"])
        }
    }

    /// A poll failed.
    func pollFailed() {
        let isNews = state.withLock { state in
            defer { state.isAlone = true }
            return !state.isAlone
        }
        if isNews { alone.raise() }
    }

    /// Asks neighbours while the coordinator does not answer, until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let seen = alone.count
            let (isAlone, neighbours) = state.withLock { ($0.isAlone, $0.neighbours) }
            guard isAlone else {
                await alone.wait(after: seen)
                continue
            }
            for neighbour in neighbours { await ask(neighbour) }
            await alone.wait(after: seen, atMost: Self.interval)
        }
    }

    private func ask(_ neighbour: Neighbour) async {
        do {
            let connection = try await endpoint.connection(
                to: neighbour.name, role: nil, host: neighbour.address.host, port: neighbour.address.port)
            let bytes = try await connection.item(.standings, limit: StandingList.maximumByteCount)
            await take(bytes, from: neighbour.name)
        } catch {
            logger.debug(
                "no standings from a neighbour", metadata: ["peer": "\(neighbour.name)", "error": "\(error)"])
        }
    }

    /// Takes what counts of an encoded list: makes it durable, and closes the connections of those who lost their standing.
    func take(_ bytes: [UInt8], from source: String) async {
        do {
            let list = try StandingList(decoding: bytes)
            let isNews = try await pool.run { [verifier, file] in
                guard verifier.take(list) else { return false }
                try file.write(verifier.list)
                return true
            }
            guard isNews else { return }
            logger.notice(
                "hosts lost their standing", metadata: ["words": "\(self.list.words.count)", "from": "\(source)"])
            endpoint.closeRefused()
        } catch {
            logger.error("standings were not taken", metadata: ["from": "\(source)", "error": "\(error)"])
        }
    }
}

/// Remembers over restarts what operators said of hosts that lost their standing.
private struct StandingFile: Sendable {
    private static let name = "standings"
    private static let temporaryName = ".standings.new"

    private let folder: Folder

    /// The file in `folder`, which the agent owns.
    init(in folder: Folder) {
        self.folder = folder
    }

    /// What was last written; nil if there is nothing. Throws `FileError`, or `CodecError` if it is damaged.
    func read() throws -> StandingList? {
        guard let file = try folder.openFileIfPresent(Self.name) else { return nil }
        return try StandingList(decoding: try file.readAll(limit: StandingList.maximumByteCount))
    }

    /// Writes `list`; durable when it returns, and the file is at no moment half written.
    func write(_ list: StandingList) throws {
        try folder.writeDurably(list.encode(), to: Self.name, through: Self.temporaryName, mode: 0o600)
    }
}
