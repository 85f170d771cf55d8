import ArgumentParser
import Content
import FleetCertificates
import LinuxIO
import Logging
import STOQ
import STOQTransport

/// An origin or mirror that asks an honest host for what it is asked for, and passes it on changed.
struct HostilePeer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "peer", abstract: "Passes answers on, changed.")

    @OptionGroup var host: StolenHost
    @Option(help: "The fleet that it says it is of.") var fleet: String
    @Option(help: "The name that it says it has.") var name: String
    @Option(help: "The honest host's name.") var upstream: String
    @Option(help: "HOST:PORT of the honest host.") var address: Place
    @Option(help: "KIND=CHANGE, e.g. chunks=flip; again for more kinds of requests.") var change: [String] = []
    @Option(help: "What `other` answers.") var file: String?
    @Option(help: "The version of the timestamp that its greeting claims.") var timestamp: UInt64 = 0
    @Option(help: "A head that its greeting claims: SET=SEQUENCE.") var head: String?

    func run() async throws {
        let settings = STOQSettings(credentials: try host.credentials())
        let logger = Logger(label: "hostile")
        let upstream = try STOQEndpoint(settings: settings, service: Silence(fleet: fleet, name: name), logger: logger)
        var changes: [String: Change] = [:]
        for text in change {
            let parts = text.split(separator: "=").map(String.init)
            guard parts.count == 2, let change = Change(rawValue: parts[1]) else {
                throw ValidationError("no change \(text)")
            }
            changes[parts[0]] = change
        }
        let other = try file.map { try OpenFile.open(Array($0.utf8)).readAll(limit: 1 << 20) }
        let service = LyingService(
            fleet: fleet, name: name, head: head, timestamp: timestamp, upstream: upstream, honest: self.upstream,
            address: address,
            changes: changes, other: other ?? [])
        let endpoint = try STOQEndpoint(settings: settings, service: service, logger: logger)
        _ = try await endpoint.listen(host: host.listen.host, port: host.listen.port)
        sayReady()
        await waitForEndOfInput()
        await endpoint.shutdown()
        await upstream.shutdown()
    }
}

/// How an answer is changed.
enum Change: String {
    /// One bit of the first item's last byte.
    case flip
    /// The second half of the first item is missing.
    case truncate
    /// The first item has a byte more.
    case extend
    /// Every item is 1,000 bytes of no meaning.
    case garbage
    /// Every item is empty.
    case empty
    /// Nothing is there.
    case absent
    /// The bytes of the items in the opposite order.
    case swap
    /// Every item is the bytes of a file.
    case other
    /// The first item never ends.
    case endless
    /// One byte a second.
    case slow
    /// No answer at all.
    case stall
    /// The stream is reset.
    case reset
    /// The first item comes twice.
    case twice
    /// Items under positions that were not asked for.
    case beyond
    /// Messages that are no answer.
    case raw
    /// Messages without items, without end.
    case hollow
}

/// Answers with what an honest host says, changed.
private struct LyingService: STOQService {
    let fleet: String
    let name: String
    let head: String?
    let timestamp: UInt64
    let upstream: STOQEndpoint
    let honest: String
    let address: Place
    let changes: [String: Change]
    let other: [UInt8]

    func greeting() async -> STOQGreeting {
        let parts = (head ?? "").split(separator: "=").map(String.init)
        let heads =
            parts.count == 2
            ? UInt64(parts[1]).map { sequence in
                [STOQGreeting.Head(set: parts[0], sequence: sequence, release: ReleaseDocument.digest(of: other))]
            } ?? [] : []
        return STOQGreeting(fleet: fleet, name: name, heads: heads, timestampVersion: timestamp)
    }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {}

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        let change = changes[request.name]
        switch change {
        case .stall: return try await Task.sleep(for: .seconds(3_600))
        case .reset: return stream.reset(.internal, "hostile")
        case .raw:
            for size in [1, 4, 1_000] {
                try await stream.send((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 37 | 128) })
            }
            return try await stream.finish()
        case .hollow:
            var answer = STOQAnswer.Builder()
            while true { try await stream.send(answer.take()) }
        default: break
        }
        let connection = try await upstream.connection(to: honest, role: nil, host: address.host, port: address.port)
        if case .packedTree = request {
            let asked = try await connection.open(request, kind: kind)
            while let message = try await asked.next() { try await sendPacked(message.bytes, change, on: stream) }
            return try await stream.finish()
        }
        let items = try await connection.items(of: request, kind: kind)
        try await send(items, change, on: stream)
        try await stream.finish()
    }

    /// A packed tree is messages of nodes, not of items.
    private func sendPacked(_ message: [UInt8], _ change: Change?, on stream: STOQStream) async throws {
        var bytes = message
        switch change {
        case .flip: bytes[bytes.count - 1] ^= 1
        case .truncate: bytes.removeLast(bytes.count / 2)
        case .extend: bytes.append(0)
        case .garbage: bytes = Self.garbage
        case .empty: bytes = []
        case .absent: return
        case .twice: try await stream.send(bytes)
        case .endless: while true { try await stream.send(bytes) }
        default: break
        }
        try await stream.send(bytes)
    }

    private static let garbage = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }

    private func send(_ honest: [[UInt8]?], _ change: Change?, on stream: STOQStream) async throws {
        var items = honest
        let first = items.firstIndex { $0 != nil } ?? 0
        var bytes = (items.indices.contains(first) ? items[first] : nil) ?? []
        switch change {
        case .flip: if !bytes.isEmpty { bytes[bytes.count - 1] ^= 1 }
        case .truncate: bytes.removeLast(bytes.count - bytes.count / 2)
        case .extend: bytes.append(0)
        case .garbage: items = items.map { _ in Self.garbage }
        case .empty: items = items.map { _ in [] }
        case .absent: items = items.map { _ in nil }
        case .swap: items.reverse()
        case .other: items = items.map { _ in other }
        case .slow:
            for byte in bytes {
                var answer = STOQAnswer.Builder()
                answer.add(first, [byte][...], isLast: false)
                try await stream.send(answer.take())
                try await Task.sleep(for: .seconds(1))
            }
            return
        case .endless:
            let part = [UInt8](repeating: 7, count: 256 << 10)
            while true {
                var answer = STOQAnswer.Builder()
                answer.add(first, part[...], isLast: false)
                try await stream.send(answer.take())
            }
        case .twice: try await stream.sendAll([(first, bytes)])
        default: break
        }
        if [.flip, .truncate, .extend].contains(change), items.indices.contains(first) { items[first] = bytes }
        let shift = change == .beyond ? items.count : 0
        try await stream.sendAll(
            items.enumerated().map { (min($0.offset + shift, STOQRequest.digestLimit - 1), $0.element) })
    }
}
