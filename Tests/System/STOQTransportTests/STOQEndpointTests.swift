import Content
import FleetCertificates
import Hashing
import STOQ
import STOQTransport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct STOQEndpointTests {
    private static let chunk = ChunkDigest(BLAKE3.hash([]))

    private static func ask(_ connection: STOQConnection, _ set: String, _ sequence: UInt64?) async throws -> String {
        let stream = try await connection.open(.release(set: set, sequence: sequence), kind: .metadata)
        try await stream.finish()
        var text = ""
        while let message = try await stream.next() { text += String(decoding: message.bytes, as: UTF8.self) }
        return text
    }

    @Test("a request is answered over TLS, and both sides know who the other is", arguments: ["127.0.0.1", "::1"])
    func requestAndAnswer(host: String) async throws {
        let lab = try Lab()
        let service = EchoService()
        let origin = try lab.endpoint(.origin, "origin", service)
        let mirror = try lab.endpoint(.agent, "m1")
        let bound = try await origin.listen(host: host, port: 0)
        let connection = try await mirror.connection(to: "origin", role: .origin, host: bound.host, port: bound.port)
        #expect(connection.peer.uri == "spiffe://lab/origin/origin")
        #expect(connection.negotiatedGroup == "X25519MLKEM768")
        #expect(connection.greeting?.name == "echo")
        #expect(try await Self.ask(connection, "debian", 7) == "debian 7")
        let snapshot = try #require(origin.connections.first)
        #expect(snapshot.peer.name == "m1" && !snapshot.isDialled)
        #expect(snapshot.negotiatedGroup == "X25519MLKEM768")
        #expect(snapshot.bytesIn > 0 && snapshot.bytesOut > 0)
        #expect(service.counts.withLock { $0.requests } == ["m1: release"])
        await mirror.shutdown()
        await origin.shutdown()
        #expect(origin.connections.isEmpty && mirror.connections.isEmpty)
    }

    @Test("hundreds of requests at once are all answered, a bounded number at a time")
    func pipelining() async throws {
        let lab = try Lab()
        let service = EchoService()
        let origin = try lab.endpoint(.origin, "origin", service)
        let mirror = try lab.endpoint(.agent, "m1")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        let answers = try await withThrowingTaskGroup(of: String.self) { group in
            for index in 0..<600 {
                group.addTask { try await Self.ask(connection, "iso", UInt64(index)) }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(answers.count == 600)
        #expect(service.counts.withLock { $0.mostRunning } <= 16)
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("64 MiB of bulk arrive whole; a reader that stops holds up the sender, and an urgent answer overtakes")
    func bulkWithBackPressure() async throws {
        let lab = try Lab()
        let service = EchoService()
        let origin = try lab.endpoint(.origin, "origin", service)
        let mirror = try lab.endpoint(.agent, "m1")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        let digests = Array(repeating: Self.chunk, count: 64)
        let stream = try await connection.open(.chunks(set: "iso", digests), kind: .bulk)
        try await stream.finish()
        try await eventually("the window fills") { service.counts.withLock { $0.sentMessages } >= 3 }
        // The answer to an urgent request comes although the bulk is stuck.
        #expect(try await Self.ask(connection, "iso", 1) == "iso 1")
        // The window of four messages, one that waits in the machine, and no more.
        #expect(service.counts.withLock { $0.sentMessages } <= 6)
        var received = 0
        while let message = try await stream.next() {
            #expect(message.byteCount == 1 << 20)
            message.withUnsafeBytes { #expect($0.allSatisfy { $0 == UInt8(received) }) }
            received += 1
        }
        #expect(received == 64)
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("many who want one connection share one, and the listening side uses it for its own requests")
    func poolIsSymmetric() async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin")
        let mirror = try lab.endpoint(.agent, "m1")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let connections = try await withThrowingTaskGroup(of: STOQConnection.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(connections.allSatisfy { $0 === connections[0] })
        try await eventually("the listener knows it") { origin.connections.count == 1 }
        // Nobody listens there: it must be the connection that m1 made.
        let back = try await origin.connection(to: "m1", role: .agent, host: "127.0.0.1", port: 1)
        #expect(!back.isDialled)
        #expect(try await Self.ask(back, "debian", nil) == "debian 0")
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("commands are for operators, and nothing else is refused to them")
    func roles() async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let person = try lab.endpoint(.operator, "alice")
        let asked = try await person.connection(to: "origin", role: .origin, host: bound.host, port: bound.port)
        let stream = try await asked.open(.command([1, 2]), kind: .control)
        #expect(try await stream.next()?.bytes == [1, 2])
        try await stream.send([3])
        #expect(try await stream.next()?.bytes == [3])
        try await stream.finish()
        #expect(try await stream.next() == nil)
        let mirror = try lab.endpoint(.agent, "m1")
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        let refused = try await connection.open(.command([1]), kind: .control)
        let error = await failure { _ = try await refused.next() }
        #expect(error?.code == .notAllowed && error?.origin == .peer)
        for endpoint in [person, mirror, origin] { await endpoint.shutdown() }
    }

    @Test("a service's refusal reaches who asked, with code and reason, and the connection lives on")
    func refusals() async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin")
        let mirror = try lab.endpoint(.agent, "m1")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        let error = await failure { _ = try await Self.ask(connection, "nowhere", nil) }
        #expect(error == STOQError(.notFound, "no such set", origin: .peer))
        #expect(try await Self.ask(connection, "iso", 2) == "iso 2")
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("an answer arrives whole although the asker says its last word only after it, or more than was asked for")
    func lateLastWord() async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin")
        let mirror = try lab.endpoint(.agent, "m1")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        for _ in 0..<300 {
            let stream = try await connection.open(.release(set: "iso", sequence: 1), kind: .metadata)
            #expect(try await stream.next()?.bytes == Array("iso 1".utf8))
            #expect(try await stream.next() == nil)
            try await stream.send(Array(repeating: 0, count: 100_000))
            try await stream.finish()
        }
        #expect(try await Self.ask(connection, "iso", 2) == "iso 2")
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("dropping a stream, cancelling its task and a deadline each end the work at the other side")
    func abandonment() async throws {
        let lab = try Lab()
        let service = EchoService()
        let origin = try lab.endpoint(.origin, "origin", service)
        let mirror = try lab.endpoint(.agent, "m1")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        let request = STOQRequest.nodes(set: "iso", [NodeDigest(BLAKE3.hash([]))])
        _ = try await connection.open(request, kind: .metadata)
        try await eventually("a dropped stream ends") { service.counts.withLock { $0.failures.count } == 1 }
        let task = Task {
            let stream = try await connection.open(request, kind: .metadata)
            return try await stream.next()
        }
        try await eventually("the request arrives") { service.counts.withLock { $0.running } == 1 }
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        try await eventually("a cancelled stream ends") { service.counts.withLock { $0.failures.count } == 2 }
        let stream = try await connection.open(request, kind: .metadata, deadline: .milliseconds(100))
        let error = await failure { _ = try await stream.next() }
        #expect(error?.code == .deadline)
        try await eventually("an overdue stream ends") { service.counts.withLock { $0.failures.count } == 3 }
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("a request does not wait without end for a peer that keeps all its streams busy")
    func noFreeStream() async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin") { $0.limits.streams = 1 }
        let mirror = try lab.endpoint(.agent, "m1") { $0.limits.creditTimeout = .milliseconds(200) }
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        // Never answered: the one stream stays open for the 15 s that an answer may take to begin.
        let request = STOQRequest.nodes(set: "iso", [NodeDigest(BLAKE3.hash([]))])
        let open = try await connection.open(request, kind: .metadata)
        let error = await failure { _ = try await connection.open(request, kind: .metadata) }
        #expect(error?.code == .noProgress)
        #expect(error?.reason.contains("no stream was free") == true)
        withExtendedLifetime(open) {}
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("a new greeting reaches the peers")
    func announcement() async throws {
        let lab = try Lab()
        let service = EchoService()
        let origin = try lab.endpoint(.origin, "origin")
        let mirror = try lab.endpoint(.agent, "m1", service)
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        _ = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        try await eventually("the listener is ready") { origin.connections.count == 1 }
        await origin.announce()
        try await eventually("two greetings") { service.counts.withLock { $0.greetings.count } == 2 }
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("what is announced while a connection is made reaches its peer, and nothing older does after it")
    func announcementWhileGreeting() async throws {
        let lab = try Lab()
        let service = SlowToGreet()
        let origin = try lab.endpoint(.origin, "origin", service)
        let heard = EchoService()
        let mirror = try lab.endpoint(.agent, "m1", heard)
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        async let dialled = mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        try await eventually("the first greeting is asked for") { service.asked == 1 }
        await origin.announce()
        let connection = try await dialled
        #expect(connection.greeting?.timestampVersion == 2)
        service.goOn()
        try await eventually("the first greeting is there") { service.answered == 2 }
        await origin.announce()
        try await eventually("the third greeting") { connection.greeting?.timestampVersion == 3 }
        try await eventually("both were told") { heard.counts.withLock { $0.greetings.count } >= 2 }
        #expect(heard.counts.withLock { $0.greetings.map(\.timestampVersion) } == [2, 3])
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("a peer that goes away mid-stream is a typed error at once, and the pool makes a new connection")
    func peerGoesAway() async throws {
        let lab = try Lab()
        let mirror = try lab.endpoint(.agent, "m1")
        let first = try lab.endpoint(.origin, "origin", EchoService()) { $0.shutdownGrace = .milliseconds(50) }
        let bound = try await first.listen(host: "127.0.0.1", port: 0)
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        let request = STOQRequest.nodes(set: "iso", [NodeDigest(BLAKE3.hash([]))])
        let stream = try await connection.open(request, kind: .metadata)
        let start = ContinuousClock.now
        await first.shutdown()
        let error = await failure { _ = try await stream.next() }
        #expect(error != nil)
        #expect(ContinuousClock.now - start < .seconds(5))
        let gone = await failure {
            _ = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        }
        #expect(gone?.code == .unreachable, "\(gone.map { "\($0)" } ?? "")")
        let second = try lab.endpoint(.origin, "origin")
        _ = try await second.listen(host: bound.host, port: bound.port)
        let again = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        #expect(again !== connection)
        #expect(try await Self.ask(again, "iso", 3) == "iso 3")
        await mirror.shutdown()
        await second.shutdown()
    }
}
