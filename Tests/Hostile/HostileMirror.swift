import ArgumentParser
import Content
import FleetCertificates
import Hashing
import Logging
import STOQ
import STOQTransport
import Swarm
import Synchronization

/// A mirror that takes part in swarms: it says that it has everything, gives bytes of its own for every chunk, and names
/// whom it is told to name. It fetches nothing but what it must know to lie well.
struct HostileMirror: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror", abstract: "Takes part in swarms, and sends wrong bytes.")

    @OptionGroup var host: StolenHost
    @Option(help: "The fleet that it says it is of.") var fleet: String
    @Option(help: "The name that it says it has.") var name: String
    @Option(help: "The honest host's name.") var upstream: String
    @Option(help: "HOST:PORT of the honest host.") var address: Place
    @Option(help: "NAME=HOST:PORT, a member that it says it is linked to; again for more.") var member: [String] = []
    @Flag(help: "It says that it has nothing, and is asked for nothing.") var empty = false

    func run() async throws {
        let settings = STOQSettings(credentials: try host.credentials())
        let logger = Logger(label: "hostile")
        let upstream = try STOQEndpoint(settings: settings, service: Silence(fleet: fleet, name: name), logger: logger)
        let members = try member.map { text in
            let parts = text.split(separator: "=").map(String.init)
            guard parts.count == 2, let place = Place(argument: parts[1]) else {
                throw ValidationError("no member \(text)")
            }
            return SwarmMember(name: parts[0], host: place.host, port: UInt16(clamping: place.port), region: "lab")
        }
        let service = LyingMember(
            fleet: fleet, name: name, members: members, isEmpty: empty, upstream: upstream, honest: self.upstream,
            address: address)
        let endpoint = try STOQEndpoint(settings: settings, service: service, logger: logger)
        _ = try await endpoint.listen(host: host.listen.host, port: host.listen.port)
        sayReady()
        await waitForEndOfInput()
        await endpoint.shutdown()
        await upstream.shutdown()
    }
}

/// What it does when it is linked to, or asked.
private final class LyingMember: STOQService {
    private let fleet: String
    private let name: String
    private let members: [SwarmMember]
    private let isEmpty: Bool
    private let upstream: STOQEndpoint
    private let honest: String
    private let address: Place
    /// How long the chunks of a set are, as the honest host's log says.
    private let lengths = Mutex<[String: [ChunkDigest: UInt32]]>([:])

    init(
        fleet: String, name: String, members: [SwarmMember], isEmpty: Bool, upstream: STOQEndpoint, honest: String,
        address: Place
    ) {
        self.fleet = fleet
        self.name = name
        self.members = members
        self.isEmpty = isEmpty
        self.upstream = upstream
        self.honest = honest
        self.address = address
    }

    func greeting() async -> STOQGreeting { STOQGreeting(fleet: fleet, name: name) }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {}

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        switch request {
        case .swarm(let set, let release): try await join(set, release, on: stream)
        case .chunks(let set, let digests):
            let lengths = lengths.withLock { $0[set] ?? [:] }
            try await stream.sendAll(
                digests.enumerated().map { index, digest in
                    (index, lengths[digest].map { Self.bytes(like: digest, count: Int($0)) })
                })
            try await stream.finish()
        default: stream.reset(.notFound, "nothing here")
        }
    }

    /// Bytes that look like those of a chunk, and are not.
    private static func bytes(like digest: ChunkDigest, count: Int) -> [UInt8] {
        let seed = digest.raw.bytes.reduce(UInt8(0)) { $0 &* 31 &+ $1 }
        return (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ $0 >> 8) ^ seed }
    }

    private func join(_ set: String, _ release: ReleaseDigest, on stream: STOQStream) async throws {
        let size = isEmpty ? 0 : try await learn(set, release)
        try await stream.send(SwarmMessage.hello(SwarmHello(complete: size)).encode())
        if !members.isEmpty { try await stream.send(SwarmMessage.peers(members).encode()) }
        // Whatever the other says, until it has said its last word.
        while try await stream.next() != nil {}
        try await stream.finish()
    }

    /// Learns how long the chunks of a release are; how many its log has.
    private func learn(_ set: String, _ release: ReleaseDigest) async throws -> UInt32 {
        let connection = try await upstream.connection(to: honest, role: nil, host: address.host, port: address.port)
        let document = try await connection.items(of: .release(set: set, sequence: nil), kind: .metadata)
        guard let bytes = document.first ?? nil, ReleaseDocument.digest(of: bytes) == release else {
            throw STOQError(.notFound, "another release is the head")
        }
        let size = try ReleaseDocument(decoding: bytes).chunkLog.size
        let log = try await connection.items(of: .chunkLog(set: set, from: 0, size: size), kind: .metadata)
        guard log.count == 2, let entries = log[1] else { throw STOQError(.notFound, "no chunk log") }
        let found = try ChunkLogHistory.decode(entries).map { ($0.digest, $0.length) }
        lengths.withLock { $0[set] = Dictionary(found, uniquingKeysWith: { first, _ in first }) }
        return UInt32(clamping: size)
    }
}
