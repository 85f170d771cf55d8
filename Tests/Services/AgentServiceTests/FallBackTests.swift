import Content
import FleetModel
import STOQ
import STOQTransport
import Store
import Testing

import AgentService

/// What a mirror does when its sources withhold what it would rather have.
@Suite struct FallBackTests {
    /// Says in good order that it does not have what is named.
    private static func withholding(_ names: Set<String>) -> ScriptedSource.Twist {
        { request, stream, _ in
            guard names.contains(request.name) else { return false }
            stream.reset(.notFound, "withheld")
            return true
        }
    }

    private func lab(files: Int = 400) throws -> (SyncLab, [String]) {
        let lab = try SyncLab()
        let names = (0..<files).map { "file-\($0 &* 2_654_435_761 % 1_000_003)" }
        for (index, name) in names.enumerated() { try lab.write(name, Array("\(index % 500)\n".utf8)) }
        try lab.write("large", randomBytes(3_000_000, seed: 1))
        return (lab, names)
    }

    @Test func `a fresh mirror takes the packed tree; where nobody knows it, it walks`() async throws {
        let (lab, _) = try lab()
        let release = try lab.publish()
        let whole = try await lab.source("whole")
        let old = try await lab.source("old") { request, stream, _ in
            guard case .packedTree = request else { return false }
            stream.reset(.unsupported, "")
            return true
        }
        let (first, second) = (try lab.mirror("m1"), try lab.mirror("m2"))
        try await lab.sync(first, to: release, from: [whole])
        #expect(whole.service.requests.contains("packed tree") && !whole.service.requests.contains("nodes"))
        try await lab.sync(second, to: release, from: [old])
        #expect(old.service.requests.contains("nodes"))
        try await lab.shutDown([whole, old].map(\.endpoint) + [first, second].map(\.endpoint))
    }

    @Test func `with changesets withheld the walk converges, with nodes too the packed tree`() async throws {
        let (lab, names) = try lab()
        let source = try await lab.source("whole")
        let noChangeset = try await lab.source("no-changeset", Self.withholding(["changeset"]))
        let noNodes = try await lab.source("no-nodes", Self.withholding(["changeset", "nodes"]))
        let (walking, packing) = (try lab.mirror("m1"), try lab.mirror("m2"))
        let first = try lab.publish()
        try await lab.sync(walking, to: first, from: [source])
        try await lab.sync(packing, to: first, from: [source])
        for name in names.prefix(20) { try lab.write(name, Array("changed \(name)".utf8)) }
        let second = try lab.publish()
        try await lab.sync(walking, to: second, from: [noChangeset])
        #expect(noChangeset.service.requests.contains("nodes"))
        #expect(!noChangeset.service.requests.contains("packed tree"))
        try await lab.sync(packing, to: second, from: [noNodes])
        #expect(noNodes.service.requests.contains("packed tree"))
        try await lab.shutDown(
            [source, noChangeset, noNodes].map(\.endpoint) + [walking, packing].map(\.endpoint))
    }

    @Test func `a mirror 50 releases behind catches up in one go, by changesets or by a walk`() async throws {
        let (lab, names) = try lab()
        let source = try await lab.source("whole")
        let noChangeset = try await lab.source("no-changeset", Self.withholding(["changeset"]))
        let (chaining, walking) = (try lab.mirror("m1"), try lab.mirror("m2"))
        var release = try lab.publish()
        try await lab.sync(chaining, to: release, from: [source])
        try await lab.sync(walking, to: release, from: [source])
        for round in 0..<50 {
            for change in 0..<4 {
                try lab.write(names[(round * 61 + change * 997) % names.count], Array("\(round)".utf8))
            }
            release = try lab.publish()
        }
        let before = source.service.requests.count
        let chain = try await lab.sync(chaining, to: release, from: [source])
        let asked = source.service.requests.dropFirst(before)
        #expect(asked.filter { $0 == "changeset" }.count == 50 && !asked.contains("nodes"))
        let walk = try await lab.sync(walking, to: release, from: [noChangeset])
        #expect(noChangeset.service.requests.contains("nodes"))
        print(
            """
            50 releases of 4 changes in \(names.count) entries: \(chain.bytesBySource["whole"] ?? 0) bytes by \
            changesets, \(walk.bytesBySource["no-changeset"] ?? 0) by a walk
            """)
        try await lab.shutDown([source, noChangeset].map(\.endpoint) + [chaining, walking].map(\.endpoint))
    }
}
