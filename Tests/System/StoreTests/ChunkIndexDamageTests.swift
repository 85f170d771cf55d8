import Content
import Hashing
import LinuxIO
import Store
import Testing

/// Crashes and damage, which only an index on disk knows.
@Suite struct ChunkIndexDamageTests {
    private let settings = DiskChunkIndex.Settings(tableLimit: 100)

    private func open(_ place: ChunkIndexPlace) throws -> DiskChunkIndex {
        try DiskChunkIndex(folder: place.folder, settings: settings)
    }

    /// The index says that it must be made again, and not something else.
    private func expectNeedsRebuild(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) {
        do {
            try body()
            Issue.record("\(what): no error", sourceLocation: sourceLocation)
        } catch ChunkIndexError.needsRebuild {
        } catch {
            Issue.record("\(what): \(error)", sourceLocation: sourceLocation)
        }
    }

    @Test func `A log torn at any byte of its last batch loses that batch and nothing else`() throws {
        let place = try ChunkIndexPlace()
        var random = IndexRandom(seed: 11)
        let kept = random.entries(20)
        let torn = random.entries(3)
        let log: [UInt8]
        let whole: Int
        do {
            let index = try open(place)
            try index.insert(Array(kept[..<15]))
            try index.sync()
            try index.insert(Array(kept[15...]))
            log = try place.name("log-")
            whole = Int(try #require(try place.folder.stat(log)).size)
            try index.insert(torn)
        }
        let end = Int(try #require(try place.folder.stat(log)).size)
        #expect(end > whole)
        for size in whole..<end {
            let copy = try place.copy(changing: log) { $0.removeLast(end - size) }
            let index = try open(copy)
            try #require(try index.find(kept.map(\.digest)) == kept.map(\.location), "cut at \(size)")
            try #require(try index.find(torn.map(\.digest)) == [nil, nil, nil], "cut at \(size)")
            // It goes on from there.
            try index.insert(torn)
            try index.sync()
            let again = try open(copy)
            try #require(try again.find((kept + torn).map(\.digest)) == (kept + torn).map(\.location))
        }
    }

    @Test func `Pages lost in the middle of what was not synced are a torn end`() throws {
        let place = try ChunkIndexPlace()
        var random = IndexRandom(seed: 12)
        let (synced, lost, later) = (random.entries(10), random.entries(10), random.entries(10))
        let log: [UInt8]
        let size: Int
        do {
            let index = try open(place)
            try index.insert(synced)
            try index.sync()
            log = try place.name("log-")
            size = Int(try #require(try place.folder.stat(log)).size)
            try index.insert(lost)
            try index.insert(later)
        }
        // Also the mark of the sync itself is not synced.
        for hole in [size..<(size + 200), (size - 64)..<size] {
            let copy = try place.copy(changing: log) { for at in hole { $0[at] = 0 } }
            let index = try open(copy)
            #expect(try index.find(synced.map(\.digest)) == synced.map(\.location))
            #expect(try index.find(later.map(\.digest)).allSatisfy { $0 == nil })
        }
    }

    @Test func `Any bit flipped in what a log says was durable is noticed`() throws {
        let place = try ChunkIndexPlace()
        var random = IndexRandom(seed: 13)
        let entries = random.entries(6)
        let log: [UInt8]
        let durable: Int
        do {
            let index = try open(place)
            try index.insert(Array(entries[..<3]))
            try index.remove(blobs: [1 << 39])
            try index.insert(Array(entries[3...]))
            log = try place.name("log-")
            durable = Int(try #require(try place.folder.stat(log)).size)
            try index.sync()
        }
        for at in 0..<durable {
            let copy = try place.copy(changing: log) { $0[at] ^= 1 << UInt8(at % 8) }
            expectNeedsRebuild("byte \(at)") { _ = try open(copy) }
        }
        // The mark itself may be lost: it was not synced.
        let copy = try place.copy(changing: log) { $0[durable + 20] ^= 1 }
        #expect(try open(copy).find(entries.map(\.digest)) == entries.map(\.location))
    }

    @Test func `Any bit flipped in a run is noticed, and never gives a wrong place`() throws {
        let place = try ChunkIndexPlace()
        var random = IndexRandom(seed: 14)
        let entries = random.entries(100)
        try open(place).insert(entries)
        let run = try place.name("run-")
        let size = try #require(try place.folder.stat(run)).size
        for at in 0..<Int(size) {
            let copy = try place.copy(changing: run) { $0[at] ^= 1 << UInt8((at / 3) % 8) }
            expectNeedsRebuild("byte \(at)") { try open(copy).verify() }
            guard let index = try? open(copy) else { continue }
            for entry in entries {
                guard let found = try? index.find([entry.digest]) else { continue }
                try #require(found == [entry.location], "byte \(at)")
            }
            // A merge carries no damage on: it refuses bad entries, and makes table and filter anew.
            do {
                try index.compact { _ in true }
                try index.verify()
                try #require(try index.find(entries.map(\.digest)) == entries.map(\.location), "byte \(at)")
            } catch ChunkIndexError.needsRebuild {
                #expect(at < 64 + 100 * 48, "byte \(at)")
            }
        }
    }

    @Test func `Any bit flipped in the state is noticed`() throws {
        let place = try ChunkIndexPlace()
        var random = IndexRandom(seed: 15)
        let index = try open(place)
        try index.insert(random.entries(450))
        try index.remove(blobs: [5])
        try index.insert(random.entries(450).filter { $0.location.blobNumber != 5 })
        let size = try #require(try place.folder.stat("state")).size
        for at in 0..<Int(size) {
            let copy = try place.copy(changing: Array("state".utf8)) { $0[at] ^= 1 << UInt8(at % 8) }
            expectNeedsRebuild("byte \(at)") { _ = try open(copy) }
        }
    }

    @Test(arguments: ["state", "log-", "run-"])
    func `A file that is missing or cut to nothing is noticed`(prefix: String) throws {
        let place = try ChunkIndexPlace()
        var random = IndexRandom(seed: 16)
        do {
            let index = try open(place)
            try index.insert(random.entries(100))
            try index.insert(random.entries(10))
            try index.sync()
        }
        let name = try place.name(prefix)
        let empty = try place.copy(changing: name) { $0 = [] }
        if prefix == "log-" {
            // Nothing outside the log says how long it was: this looks as if it had never been written to.
            #expect(try open(empty).count == 100)
        } else {
            expectNeedsRebuild("empty") { _ = try open(empty) }
        }
        try place.folder.unlink(name)
        expectNeedsRebuild("missing") { _ = try open(place) }
    }

    @Test func `A state of a newer format is refused by name and left alone`() throws {
        let place = try ChunkIndexPlace()
        _ = try open(place)
        let newer = try place.copy(changing: Array("state".utf8)) { bytes in
            bytes[8] = 2
            let checksum = bytes.withUnsafeBytes {
                Digest.hash(.xxh3_128, UnsafeRawBufferPointer(rebasing: $0[..<($0.count - 16)])).bytes
            }
            bytes.replaceSubrange((bytes.count - 16)..., with: checksum)
        }
        let before = try newer.files().map(\.bytes)
        #expect(throws: ChunkIndexError.newerFormat(file: "state", version: 2, supported: 1)) {
            _ = try open(newer)
        }
        #expect(try newer.files().map(\.bytes) == before)
    }

    @Test func `What a crash left of unfinished files is removed, and strange files are not`() throws {
        let place = try ChunkIndexPlace()
        var random = IndexRandom(seed: 17)
        let entries = random.entries(130)
        try open(place).insert(entries)
        for name in ["run-00000000000000ff", "log-00000000000000ff", "state.new", "notes"] {
            try place.folder.createFile(name).write(Array("left over".utf8), at: 0)
        }
        #expect(try open(place).find(entries.map(\.digest)) == entries.map(\.location))
        let names = try place.folder.list().map { String(decoding: $0.name, as: UTF8.self) }
        #expect(names.contains("notes"))
        #expect(!names.contains { $0.hasSuffix("ff") || $0 == "state.new" })
    }

    @Test func `It is made again from a sequence, whatever was there`() throws {
        let place = try ChunkIndexPlace()
        var random = IndexRandom(seed: 18)
        try open(place).insert(random.entries(1000))
        try place.folder.unlink("state")
        expectNeedsRebuild("no state") { _ = try open(place) }
        let entries = random.entries(700)
        _ = try DiskChunkIndex.rebuild(in: place.folder, settings: settings, from: entries)
        let index = try open(place)
        #expect(try index.find(entries.map(\.digest)) == entries.map(\.location))
        try index.compact { _ in true }
        #expect(index.count == 700)
    }

    @Test func `Making it again, interrupted, leaves an index that says so`() throws {
        struct Interrupted: Error {}
        let place = try ChunkIndexPlace()
        var random = IndexRandom(seed: 19)
        let entries = random.entries(1000)
        var batches = 0
        #expect(throws: Interrupted.self) {
            _ = try DiskChunkIndex.rebuild(in: place.folder, settings: settings) {
                batches += 1
                if batches == 3 { throw Interrupted() }
                return Array(entries[..<500])
            }
        }
        expectNeedsRebuild("interrupted") { _ = try open(place) }
        _ = try DiskChunkIndex.rebuild(in: place.folder, settings: settings, from: entries)
        #expect(try open(place).find(entries.map(\.digest)) == entries.map(\.location))
    }

    @Test func `A larger log than one window is read whole`() throws {
        let place = try ChunkIndexPlace()
        var random = IndexRandom(seed: 20)
        let entries = random.entries(200_000)
        let wide = DiskChunkIndex.Settings(tableLimit: 1 << 20)
        do {
            let index = try DiskChunkIndex(folder: place.folder, settings: wide)
            try index.insert(Array(entries[..<140_001]))
            for start in stride(from: 140_001, to: entries.count, by: 777) {
                try index.insert(Array(entries[start..<min(start + 777, entries.count)]))
            }
        }
        let index = try DiskChunkIndex(folder: place.folder, settings: wide)
        #expect(index.count == 200_000)
        #expect(try index.find(entries.map(\.digest)) == entries.map(\.location))
    }

    @Test func `The bytes of each file are frozen`() throws {
        let place = try ChunkIndexPlace()
        let index = try DiskChunkIndex(folder: place.folder, settings: DiskChunkIndex.Settings(tableLimit: 3))
        let entries = (0..<4).map { number in
            ChunkIndexEntry(
                ChunkDigest(BLAKE3.hash([UInt8(number)])),
                ChunkLocation(blobNumber: UInt64(number + 1), offset: UInt64(number) * 65536, length: 65536))
        }
        try index.insert(Array(entries[..<3]))
        try index.insert(Array(entries[3...]))
        try index.remove(blobs: [9])
        try index.sync()
        let found = try place.files().map { file in
            "\(String(decoding: file.name, as: UTF8.self)) \(file.bytes.count) \(BLAKE3.hash(file.bytes))"
        }
        // The vectors of docs/formats/chunk-index.md.
        #expect(
            found == [
                "log-0000000000000002 296 bbdf7071b812f592fa6099d5ced7a10b66ab4b6191ba6ef8afe230b389dbc4ba",
                "run-0000000000000001 408 d1d747f251f29e8da14302fd0a7acbb18a0df8d0f0958992468e46f53f073530",
                "state 72 0141455e0beb92834fa073a6c259705b707fc169ccf0f17db0041dacc5f155b0",
            ])
    }
}
