import Content
import Glibc
import Hashing
import LinuxIO
import Store

extension Benchmark {
    /// The chunk index on disk: inserts in batches, hits and misses in batches, one thread.
    package static let index = Benchmark(
        name: "index", summary: "the chunk index: inserts, hits and misses; an entry for each 32 bytes of input",
        usualSize: 320_000_000, run: IndexBenchmark.run)
}

private enum IndexBenchmark {
    /// Entries of one insert, as a group of blobs brings them; digests of one look-up, as a request has them.
    private static let batch = 10_000

    @Sendable static func run(_ options: BenchmarkOptions) throws -> [Measurement] {
        let digests = digests(in: options.input)
        var measurements: [Measurement] = []
        let top = try TemporaryPlace()
        var number = 0
        func make() throws -> DiskChunkIndex {
            number += 1
            let index = try DiskChunkIndex(folder: try top.folder.makeFolder(Array("index-\(number)".utf8)))
            try fill(index, digests)
            return index
        }
        try options.measure("inserts", bytes: digests.count, by: .wall, unit: .entries, into: &measurements) {
            let index = try make()
            try index.sync()
            return "\(index.count) entries"
        }
        guard options.only != "inserts" else { return measurements }
        let index = try make()
        try options.measure("hits", bytes: digests.count, by: .wall, unit: .entries, into: &measurements) {
            "\(try found(digests, in: index)) found"
        }
        // Other digests of the same distribution: those of the digests.
        let others = digests.map { ChunkDigest(BLAKE3.hash($0.raw.bytes)) }
        try options.measure("misses", bytes: others.count, by: .wall, unit: .entries, into: &measurements) {
            "\(try found(others, in: index)) found"
        }
        return measurements
    }

    private static func digests(in input: [UInt8]) -> [ChunkDigest] {
        stride(from: 0, through: input.count - BLAKE3Digest.byteCount, by: BLAKE3Digest.byteCount).compactMap { start in
            BLAKE3Digest(input[start..<start + BLAKE3Digest.byteCount]).map { ChunkDigest($0) }
        }
    }

    private static func fill(_ index: DiskChunkIndex, _ digests: [ChunkDigest]) throws {
        for start in stride(from: 0, to: digests.count, by: batch) {
            let part = digests[start..<min(start + batch, digests.count)]
            try index.insert(
                part.enumerated().map { offset, digest in
                    ChunkIndexEntry(
                        digest,
                        ChunkLocation(blobNumber: UInt64(start), offset: UInt64(offset) << 18, length: 1 << 18))
                })
        }
    }

    private static func found(_ digests: [ChunkDigest], in index: DiskChunkIndex) throws -> Int {
        var found = 0
        for start in stride(from: 0, to: digests.count, by: batch) {
            let part = Array(digests[start..<min(start + batch, digests.count)])
            for location in try index.find(part) where location != nil { found += 1 }
        }
        return found
    }
}

/// A folder in TMPDIR that is removed with its last reference.
private final class TemporaryPlace {
    let folder: Folder
    private let parent: Folder
    private let name: [UInt8]

    init() throws {
        let top = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        parent = try Folder.open(top)
        name = Array("fleet-bench-\(getpid())-\(UInt64.random(in: 0...UInt64.max))".utf8)
        folder = try parent.makeFolder(name, mode: 0o700)
    }

    // What cannot be removed stays in TMPDIR.
    deinit { try? parent.removeTree(name) }
}
