import Content
import LinuxIO
import Store
import Testing

/// What holds for every chunk index.
@Suite struct ChunkIndexTests {
    @Test(arguments: IndexKind.allCases)
    func `An empty index finds nothing, and nothing may be asked of it`(kind: IndexKind) throws {
        let place = try ChunkIndexPlace()
        let index = try place.open(kind)
        var random = IndexRandom(seed: 1)
        #expect(try index.find([]) == [])
        #expect(try index.find([random.digest(), random.digest()]) == [nil, nil])
        try index.insert([])
        try index.remove(blobs: [])
        try index.sync()
        try index.compact { _ in true }
        #expect(index.count == 0)
    }

    @Test(arguments: IndexKind.allCases)
    func `Answers come in the order asked, also for a digest asked twice`(kind: IndexKind) throws {
        let place = try ChunkIndexPlace()
        let index = try place.open(kind)
        var random = IndexRandom(seed: 2)
        let entries = random.entries(1000)
        try index.insert(entries)
        let strange = random.digest()
        let asked = [entries[999].digest, strange, entries[0].digest, entries[999].digest]
        let expected = [entries[999].location, nil, entries[0].location, entries[999].location]
        #expect(try index.find(asked) == expected)
        #expect(try index.find(entries.map(\.digest)) == entries.map(\.location))
    }

    @Test(arguments: IndexKind.allCases)
    func `The last insert of a digest wins, within a batch and across many`(kind: IndexKind) throws {
        let place = try ChunkIndexPlace()
        let index = try place.open(kind)
        var random = IndexRandom(seed: 3)
        let digest = random.digest()
        let (first, second, third) = (random.location(), random.location(), random.location())
        try index.insert([ChunkIndexEntry(digest, first), ChunkIndexEntry(digest, second)])
        #expect(try index.find([digest]) == [second])
        try index.insert(random.entries(300))
        #expect(try index.find([digest]) == [second])
        try index.insert([ChunkIndexEntry(digest, third)])
        try index.insert(random.entries(300))
        #expect(try index.find([digest]) == [third])
        try index.compact { _ in true }
        #expect(try index.find([digest]) == [third])
        #expect(index.count == 601)
    }

    @Test(arguments: IndexKind.allCases)
    func `Removing a blob hides its chunks for good, and earlier places do not come back`(kind: IndexKind) throws {
        let place = try ChunkIndexPlace()
        let index = try place.open(kind)
        var random = IndexRandom(seed: 4)
        let digest = random.digest()
        let old = random.location(blobs: 1..<2)
        let gone = random.location(blobs: 7..<8)
        try index.insert([ChunkIndexEntry(digest, old)])
        try index.insert(random.entries(300).filter { $0.location.blobNumber != 7 })
        try index.insert([ChunkIndexEntry(digest, gone)])
        try index.remove(blobs: [7])
        #expect(try index.find([digest]) == [nil])
        for _ in 0..<40 {
            try index.insert(random.entries(64).filter { $0.location.blobNumber != 7 })
            #expect(try index.find([digest]) == [nil])
        }
        let new = random.location(blobs: 8..<9)
        try index.insert([ChunkIndexEntry(digest, new)])
        #expect(try index.find([digest]) == [new])
        try index.compact { _ in true }
        #expect(try index.find([digest]) == [new])
    }

    @Test(arguments: IndexKind.allCases)
    func `An insert into a removed blob is refused, and nothing of its batch is added`(kind: IndexKind) throws {
        let place = try ChunkIndexPlace()
        let index = try place.open(kind)
        var random = IndexRandom(seed: 5)
        try index.remove(blobs: [7])
        let good = ChunkIndexEntry(random.digest(), random.location(blobs: 1..<2))
        let bad = ChunkIndexEntry(random.digest(), random.location(blobs: 7..<8))
        #expect(throws: ChunkIndexError.removedBlob(7)) { try index.insert([good, bad]) }
        #expect(try index.find([good.digest, bad.digest]) == [nil, nil])
        try index.insert([good])
        #expect(try index.find([good.digest]) == [good.location])
    }

    @Test(arguments: IndexKind.allCases)
    func `Locations at the limits are kept, those beyond are refused`(kind: IndexKind) throws {
        let place = try ChunkIndexPlace()
        let index = try place.open(kind)
        var random = IndexRandom(seed: 6)
        let largest = ChunkLocation(
            blobNumber: ChunkLocation.blobNumberLimit - 1, offset: ChunkLocation.offsetLimit - 1,
            length: ChunkLocation.lengthLimit - 1)
        let entry = ChunkIndexEntry(random.digest(), largest)
        try index.insert([entry])
        try index.insert(random.entries(200))
        #expect(try index.find([entry.digest]) == [largest])
        let beyond = [
            ChunkLocation(blobNumber: ChunkLocation.blobNumberLimit, offset: 0, length: 0),
            ChunkLocation(blobNumber: 0, offset: ChunkLocation.offsetLimit, length: 0),
            ChunkLocation(blobNumber: 0, offset: 0, length: ChunkLocation.lengthLimit),
        ]
        for location in beyond {
            #expect(throws: ChunkIndexError.beyondLimits(location)) {
                try index.insert([ChunkIndexEntry(random.digest(), location)])
            }
        }
    }

    @Test(arguments: IndexKind.allCases)
    func `Compaction drops what lies in dead blobs, and the count is exact`(kind: IndexKind) throws {
        let place = try ChunkIndexPlace()
        let index = try place.open(kind)
        var random = IndexRandom(seed: 7)
        let entries = random.entries(2000)
        try index.insert(entries)
        try index.insert(Array(entries[..<500]))
        try index.remove(blobs: [3, 5])
        try index.compact { $0 % 2 == 1 }
        let kept = entries.filter { ![3, 5].contains($0.location.blobNumber) && $0.location.blobNumber % 2 == 1 }
        #expect(index.count == kept.count)
        let keptDigests = Set(kept.map(\.digest))
        #expect(
            try index.find(entries.map(\.digest))
                == entries.map { keptDigests.contains($0.digest) ? $0.location : nil })
        try index.compact { _ in false }
        #expect(index.count == 0)
        #expect(try index.find([entries[0].digest]) == [nil])
    }

    @Test(arguments: IndexKind.allCases)
    func `Thousands of digests with one beginning are all found`(kind: IndexKind) throws {
        let place = try ChunkIndexPlace()
        let index = try place.open(kind)
        var random = IndexRandom(seed: 8)
        let entries = (0..<3000).map { ChunkIndexEntry(clusteredDigest($0 * 3), random.location()) }
        try index.insert(entries.shuffled(using: &random))
        try index.compact { _ in true }
        #expect(try index.find(entries.map(\.digest)) == entries.map(\.location))
        let between = (0..<3000).map { clusteredDigest($0 * 3 + 1) }
        #expect(try index.find(between).allSatisfy { $0 == nil })
    }

    @Test(arguments: IndexKind.allCases)
    func `It does what a dictionary does, whatever is done to it`(kind: IndexKind) throws {
        let seed = IndexRandom.seed
        print("seed \(seed) (FLEET_SEED), \(kind)")
        var random = IndexRandom(seed: seed)
        let place = try ChunkIndexPlace()
        var index = try place.open(kind)
        var model = IndexModel()
        let universe = (0..<1500).map { _ in random.digest() } + (0..<500).map { clusteredDigest($0) }
        for step in 0..<600 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<60:
                let count = Int.random(in: 0..<150, using: &random)
                let batch = (0..<count).map { _ in
                    ChunkIndexEntry(
                        universe.randomElement(using: &random)!, random.location(blobs: model.liveBlobs))
                }
                try index.insert(batch)
                model.insert(batch)
            case 60..<70:
                let blobs = (0..<3).map { _ in UInt64.random(in: model.liveBlobs, using: &random) }
                // Blobs in use get greater numbers all the time, so that removed ones are never asked for again.
                let removed = blobs.filter { $0 < model.liveBlobs.lowerBound + 20 }
                try index.remove(blobs: removed)
                model.remove(removed)
            case 70..<80: try index.sync()
            case 80..<83:
                let number = UInt64.random(in: 0..<7, using: &random)
                try index.compact { $0 % 7 != number }
                model.compact { $0 % 7 != number }
                #expect(index.count == model.locations.count)
            case 83..<90 where kind != .memory:
                index = MemoryChunkIndex()
                index = try place.open(kind)
            default: break
            }
            let asked = (0..<200).map { _ in universe.randomElement(using: &random)! } + [random.digest()]
            try #require(try index.find(asked) == model.find(asked), "step \(step), seed \(seed), \(kind)")
        }
        try #require(try index.find(universe) == model.find(universe))
        if let disk = index as? DiskChunkIndex { try disk.verify() }
    }

    @Test(arguments: IndexKind.allCases)
    func `Look-ups see what was inserted before they began, while others insert`(kind: IndexKind) async throws {
        let place = try ChunkIndexPlace()
        let index = try place.open(kind)
        var random = IndexRandom(seed: 9)
        let early = random.entries(500)
        let late = random.entries(5000)
        try index.insert(early)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for start in stride(from: 0, to: late.count, by: 50) {
                    let batch = Array(late[start..<(start + 50)])
                    try index.insert(batch)
                    let found = try index.find(batch.map(\.digest))
                    #expect(found == batch.map(\.location))
                }
            }
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<100 {
                        let found = try index.find(early.map(\.digest))
                        #expect(found == early.map(\.location))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try index.find(late.map(\.digest)) == late.map(\.location))
    }
}

/// What an index should say, by a dictionary.
private struct IndexModel {
    var locations: [ChunkDigest: ChunkLocation] = [:]
    /// Numbers that inserts may use: above all that were ever removed.
    var liveBlobs: Range<UInt64> = 0..<100

    mutating func insert(_ entries: [ChunkIndexEntry]) {
        for entry in entries { locations[entry.digest] = entry.location }
    }

    mutating func remove(_ blobs: [UInt64]) {
        locations = locations.filter { !blobs.contains($0.value.blobNumber) }
        guard let greatest = blobs.max(), greatest >= liveBlobs.lowerBound else { return }
        liveBlobs = (greatest + 1)..<(greatest + 101)
    }

    mutating func compact(_ isLive: (UInt64) -> Bool) {
        locations = locations.filter { isLive($0.value.blobNumber) }
    }

    func find(_ digests: [ChunkDigest]) -> [ChunkLocation?] { digests.map { locations[$0] } }
}
