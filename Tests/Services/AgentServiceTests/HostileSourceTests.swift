import Content
import FleetModel
import STOQ
import STOQTransport
import Store
import Testing
import Trust

import AgentService

/// Sources that lie, stall or never end, beside one that does not.
// One after the other: each case has three stores, which hold some hundred folders open.
@Suite(.serialized) struct HostileSourceTests {
    enum Lie: CaseIterable, Sendable {
        case wrongChunks, olderRelease, garbage, emptyForEver, endless, silent, mixedParts, absentForAll, sameForEver
    }

    /// Requests of a first sync, in their order.
    private static let stages = ["release", "packed tree", "chunk lists", "chunks"]

    /// A lie, and the request from which on it is told: a source may behave until then.
    static let cases: [(Lie, String)] = Lie.allCases.flatMap { lie -> [(Lie, String)] in
        switch lie {
        case .wrongChunks: [(lie, "chunks")]
        case .olderRelease: [(lie, "release")]
        default: stages.map { (lie, $0) }
        }
    }

    private static func message(_ fill: (inout STOQAnswer.Builder) -> Void) -> [UInt8] {
        var builder = STOQAnswer.Builder()
        fill(&builder)
        return builder.take().bytes
    }

    static func twist(_ lie: Lie, at stage: String? = nil) -> ScriptedSource.Twist {
        { request, stream, content in
            if let stage, request.name != stage { return false }
            let large = [UInt8](repeating: 1, count: 1 << 20)
            switch (lie, request) {
            case (.wrongChunks, .chunks(_, let digests)):
                try await stream.send(
                    message { builder in
                        for index in digests.indices { builder.add(index, Array("wrong".utf8)[...]) }
                    })
                return true
            case (.wrongChunks, _): return false
            case (.olderRelease, .release(let set, _)):
                try await content.answer(.release(set: set, sequence: 1), on: stream)
                return true
            case (.olderRelease, _): return false
            case (.garbage, _):
                try await stream.send(Array("no answer of any kind".utf8))
                return true
            case (.emptyForEver, _):
                while true { try await stream.send(message { _ in }) }
            case (.endless, _):
                while true { try await stream.send(message { $0.add(0, large[...], isLast: false) }) }
            case (.silent, _):
                while try await stream.next() != nil {}
                try await Task.sleep(for: .seconds(3_600))
                return true
            case (.mixedParts, _):
                try await stream.send(message { $0.add(0, large[...], isLast: false) })
                try await stream.send(message { $0.add(1, large[...], isLast: false) })
                return true
            case (.absentForAll, _):
                let count = max(request.itemCount, 1)
                try await stream.send(message { builder in for index in 0..<count { builder.addAbsent(index) } })
                return true
            case (.sameForEver, _):
                while true { try await stream.send(message { $0.add(0, [1][...]) }) }
            }
        }
    }

    private func lab(large: Int = 3_000_000) throws -> SyncLab {
        let lab = try SyncLab()
        for index in 0..<50 { try lab.write("file-\(index)", randomBytes(20_000, seed: UInt64(index))) }
        try lab.write("large", randomBytes(large, seed: 9_999))
        return lab
    }

    @Test(arguments: cases)
    func `whatever one source does, the release comes from the other one`(_ lie: Lie, at stage: String) async throws {
        let lab = try lab()
        try lab.publish()
        try lab.write("file-0", Array("second".utf8))
        let release = try lab.publish()
        let hostile = try await lab.source("hostile", Self.twist(lie, at: stage))
        let honest = try await lab.source("honest")
        let mirror = try lab.mirror("m1")
        let summary = try await lab.sync(mirror, to: release, from: [hostile, honest])
        #expect((summary.bytesBySource["honest"] ?? 0) > 0)
        // An answer without end is cut off: of what it may need, not of what it may send.
        #expect((summary.bytesBySource["hostile"] ?? 0) < 16 << 20)
        try await lab.shutDown([hostile.endpoint, honest.endpoint, mirror.endpoint])
    }

    @Test func `an older release, rightly signed, is not taken for the one that the plan names`() async throws {
        let lab = try lab()
        try lab.publish()
        try lab.write("file-0", Array("second".utf8))
        let release = try lab.publish()
        let hostile = try await lab.source("hostile", Self.twist(.olderRelease))
        let mirror = try lab.mirror("m1")
        await #expect(throws: (any Error).self) { try await lab.sync(mirror, to: release, from: [hostile]) }
        #expect(try mirror.store.served(set: "pool") == nil)
        #expect(hostile.service.requests == ["release"])
        try await lab.shutDown([hostile.endpoint, mirror.endpoint])
    }

    @Test func `one honest source among ten converges, and what the nine send stays small`() async throws {
        let lab = try lab(large: 24_000_000)
        let release = try lab.publish()
        let honest = try await lab.source("honest")
        let alone = try lab.mirror("alone")
        let clock = ContinuousClock()
        let base = try await clock.measure { try await lab.sync(alone, to: release, from: [honest]) }
        var sources: [SyncLab.Source] = []
        for lie in Lie.allCases { sources.append(try await lab.source("h\(sources.count)", Self.twist(lie))) }
        let mirror = try lab.mirror("beset")
        var summary: SyncSummary?
        let time = try await clock.measure {
            summary = try await lab.sync(mirror, to: release, from: sources + [honest])
        }
        let received = summary?.bytesBySource.values.reduce(0, +) ?? 0
        print("from one honest source alone \(base), among ten \(time); \(received) bytes received")
        // Stalls cost patience once: two seconds for the first silent source, less for each further one.
        #expect(time < base * 2 + .seconds(10))
        #expect(received < 3 * release.document.manifest.bytes)
        try await lab.shutDown((sources + [honest]).map(\.endpoint) + [alone.endpoint, mirror.endpoint])
    }
}
