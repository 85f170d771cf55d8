import FleetCertificates
import Glibc
import Logging
import NIOSSL
import STOQ
import STOQTransport
import Synchronization
import Testing

/// A fleet's authority and its hosts' credentials in a folder of their own, which goes with it.
final class Lab: Sendable {
    let folder: String
    let authority: CertificateAuthority
    private let authorityPath: String

    init(fleet: String = "lab") throws {
        var template = Array("/tmp/stoq-test.XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } != nil
        }
        try #require(made)
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        authority = try CertificateAuthority.create(fleet: fleet)
        authorityPath = "\(folder)/ca.pem"
        try authority.save(certificatePath: authorityPath, keyPath: "\(folder)/ca.key")
    }

    deinit {
        let names = ["ca.pem", "ca.key"] + issued.withLock { $0 }
        for name in names { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    private let issued = Mutex<[String]>([])

    func credentials(_ role: FleetRole, _ name: String) throws -> HostCredentials {
        let identity = try FleetIdentity(fleet: authority.fleet, role: role, name: name)
        let stem = "\(role.rawValue)-\(name)-\(issued.withLock { $0.count })"
        issued.withLock { $0 += ["\(stem).pem", "\(stem).key"] }
        try authority.issue(identity, days: 30)
            .save(certificatePath: "\(folder)/\(stem).pem", keyPath: "\(folder)/\(stem).key")
        return try HostCredentials(
            certificatePath: "\(folder)/\(stem).pem", keyPath: "\(folder)/\(stem).key", authorityPath: authorityPath)
    }

    func endpoint(
        _ role: FleetRole, _ name: String, _ service: any STOQService = EchoService(),
        _ change: (inout STOQSettings) -> Void = { _ in }
    ) throws -> STOQEndpoint {
        var settings = STOQSettings(credentials: try credentials(role, name))
        change(&settings)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try STOQEndpoint(settings: settings, service: service, logger: logger)
    }
}

/// Answers: `release` with its set's name and sequence, `chunks` with as many messages of a mebibyte as digests,
/// `nodes` never, `command` with what follows on the stream.
final class EchoService: STOQService {
    struct Counts {
        var requests: [String] = []
        var greetings: [STOQGreeting] = []
        var sentMessages = 0
        var failures: [STOQErrorCode] = []
        var running = 0
        var mostRunning = 0
    }

    let counts = Mutex(Counts())

    func greeting() async -> STOQGreeting { STOQGreeting(fleet: "lab", name: "echo") }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {
        counts.withLock { $0.greetings.append(greeting) }
    }

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        counts.withLock {
            $0.requests.append("\(peer.name): \(request.name)")
            $0.running += 1
            $0.mostRunning = max($0.mostRunning, $0.running)
        }
        defer { counts.withLock { $0.running -= 1 } }
        do {
            switch request {
            case .release(let set, let sequence):
                guard set != "nowhere" else { throw STOQError(.notFound, "no such set") }
                try await stream.send(Array("\(set) \(sequence ?? 0)".utf8))
            case .chunks(_, let digests):
                for index in digests.indices {
                    try await stream.send(Array(repeating: UInt8(truncatingIfNeeded: index), count: 1 << 20))
                    counts.withLock { $0.sentMessages += 1 }
                }
            case .command(let bytes):
                try await stream.send(bytes)
                while let message = try await stream.next() { try await stream.send(message.bytes) }
            case .nodes:
                while try await stream.next() != nil {}
                try await Task.sleep(for: .seconds(3_600))
            case .changeset, .chunkLists, .packedTree, .metadata, .yanks, .standings, .receipts, .chunkLog, .swarm,
                .ownCommand:
                break
            }
        } catch {
            counts.withLock { $0.failures.append((error as? STOQError)?.code ?? .cancelled) }
            throw error
        }
    }
}

/// Greets with the number of the question as the version; the first answer comes when the test says so.
final class SlowToGreet: STOQService {
    private struct State {
        var asked: UInt64 = 0
        var answered: UInt64 = 0
        var mayGoOn = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    var asked: UInt64 { state.withLock { $0.asked } }
    var answered: UInt64 { state.withLock { $0.answered } }

    func goOn() {
        let waiting = state.withLock { state in
            state.mayGoOn = true
            return state.waiting.take()
        }
        waiting?.resume()
    }

    func greeting() async -> STOQGreeting {
        let number = state.withLock { state in
            state.asked += 1
            return state.asked
        }
        if number == 1 {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if !state.mayGoOn { state.waiting = continuation }
                    return state.mayGoOn
                }
                if isOver { continuation.resume() }
            }
        }
        state.withLock { $0.answered += 1 }
        return STOQGreeting(fleet: "lab", name: "slow", timestampVersion: number)
    }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {}
    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {}
}

/// Waits for a state, at most ten seconds.
func eventually(_ what: String, _ condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("never: \(what)")
            return
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// The error that `body` throws.
func failure(_ body: () async throws -> Void) async -> STOQError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? STOQError
    }
}
