import Content
import FleetModel
import Hashing
import STOQ
import STOQTransport
import Testing

import AgentService

/// What a walk alone moves, counted where frames come in.
@Suite struct WalkFigureTests {
    private final class Nodes {
        var all: [NodeDigest: [UInt8]] = [:]
    }

    /// Packages of a pool: seven files of each, all in its folder. Every change is at a random place.
    private static func entry(_ number: Int, _ content: UInt64) throws -> ManifestEntry {
        let name = "lib" + String(number / 7 &* 2_654_435_761 % 10_000_019, radix: 36)
        let letter = name.dropFirst(3).prefix(1)
        let path = "pool/main/lib\(letter)/\(name)/\(name)-dev_\(number % 7).\(number % 31)-1_amd64.deb"
        return try ManifestEntry(
            path: RelativePath(path), type: .file, modified: 1_600_000_000 + Int64(content % 100_000_000),
            size: 300 + content % 2_000_000,
            blob: BlobDigest(BLAKE3.hash(withUnsafeBytes(of: content) { Array($0) })))
    }

    @Test func `1,000 changes in 200,000 entries come within 2 MB and 5 round trips by the walk alone`() async throws {
        let lab = try SyncLab()
        var generator = SplitMix(state: 20_260_101)
        var entries: [RelativePath: ManifestEntry] = [:]
        for number in 0..<200_000 {
            let entry = try Self.entry(number, UInt64(number))
            entries[entry.path] = entry
        }
        let ordered = entries.values.sorted { $0.path < $1.path }
        let old = Nodes()
        var builder = ManifestBuilder { old.all[$0] = $1 }
        for entry in ordered { try builder.append(entry) }
        let root = try builder.finish()
        let places = Set((0..<1_000).map { _ in Int.random(in: 0..<ordered.count, using: &generator) }).sorted()
        let edits = try places.map { place -> ManifestEdit in
            let old = ordered[place]
            return .put(
                try ManifestEntry(
                    path: old.path, type: .file, modified: 1_700_000_000, size: old.size + 1,
                    blob: BlobDigest(BLAKE3.hash(withUnsafeBytes(of: ~UInt64(place)) { Array($0) }))))
        }
        let new = Nodes()
        let next = try ManifestTree.apply(
            edits, to: root.digest, source: { old.all[$0] }, sink: { new.all[$0] = $1 })
        let served = old.all.merging(new.all) { $1 }
        let source = try await lab.source("walked") { request, stream, _ in
            guard case .nodes(_, let digests) = request else { return false }
            var builder = STOQAnswer.Builder()
            for (index, digest) in digests.enumerated() {
                guard let bytes = served[digest] else { continue }
                if builder.room < bytes.count { try await stream.send(builder.take()) }
                builder.add(index, bytes[...])
            }
            try await stream.send(builder.take())
            return true
        }
        let mirror = try lab.mirror("m1")
        let connection = try await mirror.endpoint.connection(
            to: "walked", role: nil, host: source.line.address.host, port: source.line.address.port)
        let before = connection.snapshot
        var walk = ManifestWalk(root: next.digest) { old.all[$0] != nil }
        var plain = 0
        var trips = 0
        while !walk.isComplete {
            let needed = walk.needed(limit: STOQRequest.digestLimit)
            trips += 1
            let stream = try await connection.open(.nodes(set: "pool", needed), kind: .metadata)
            try await stream.finish()
            while let message = try await stream.next() {
                let answer = try STOQAnswer(message)
                let nodes = answer.items.map { (needed[$0.index], answer.bytes(of: $0)) }
                plain += nodes.reduce(0) { $0 + $1.1.count }
                try walk.supply(nodes) { old.all[$0] != nil }
            }
        }
        let after = connection.snapshot
        let wire = after.bytesIn - before.bytesIn + after.bytesOut - before.bytesOut
        print(
            """
            walk for \(places.count) changes in \(ordered.count) entries: \(trips) round trips, \(wire) bytes on the wire \
            (\(plain) before compression)
            """)
        #expect(trips <= 5)
        #expect(wire <= 2_000_000)
        try await lab.shutDown([source.endpoint, mirror.endpoint])
    }
}
