import Content
import Hashing
import LinuxIO
import Store
import Testing
import Trust
import TrustSupport

@Suite("What a swarm reads from a store")
struct SwarmReadingTests {
    @Test("Chunks of a fetch can be read as soon as they were supplied, and no others")
    func received() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        // Larger than what is put together in memory at once, so that parts are on the disk and parts are not.
        try tree.write("large", Bytes.random(9_000_000, seed: 21))
        for number in 0..<20 { try tree.write("small-\(number)", Bytes.random(3_000, seed: UInt64(number))) }
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let release = try #require(try fleet.publish(tree, to: origin))
        let session = try mirror.beginFetch(release)
        let supplied = 12
        let moved = try fleet.fill(session, from: origin, chunkLimit: supplied)
        let missing = try #require(moved.needs?.missing)
        #expect(missing.count > 40)
        // All are of the large file, which is not complete: then all of it would be on the disk.
        #expect(missing.prefix(supplied).reduce(0) { $0 + Int($1.length) } < 9_000_000)
        // Some are in memory alone: a reading that passed over that would not find them.
        #expect(try chunksNotOnDisk(missing.prefix(supplied), of: 9_000_000, in: fleet.data("mirror")) > 0)
        for (index, chunk) in missing.enumerated() {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(chunk.length), alignment: 16)
            defer { buffer.deallocate() }
            let isThere = try session.read(chunk.digest, into: buffer)
            #expect(isThere == (index < supplied), "chunk \(index)")
            #expect(session.length(of: chunk.digest) == (index < supplied ? Int(chunk.length) : nil))
            if isThere { #expect(BLAKE3.hash(UnsafeRawBufferPointer(buffer)) == chunk.digest.raw) }
        }
        session.suspend()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(missing[0].length), alignment: 16)
        defer { buffer.deallocate() }
        #expect(try !session.read(missing[0].digest, into: buffer))
    }

    /// How many chunks of a blob, from its first on, its staged file does not have yet.
    private func chunksNotOnDisk(
        _ chunks: ArraySlice<ChunkReference>, of size: UInt64, in data: String
    ) throws -> Int {
        let staging = try Folder.open("\(data)/.store/staging")
        let session = try staging.subfolder(try #require(try staging.list().first).name)
        let name = try #require(try session.list().map(\.name).first { try session.stat($0)?.size == size })
        let file = try session.openFile(name)
        var (offset, absent): (UInt64, Int) = (0, 0)
        for chunk in chunks {
            let bytes = try file.read(Int(chunk.length), at: offset)
            if BLAKE3.hash(bytes) != chunk.digest.raw { absent += 1 }
            offset += UInt64(chunk.length)
        }
        return absent
    }

    @Test("The end of a chunk log, from any entry on, leads to the root that the release names")
    func chunkLog() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("large", Bytes.random(9_000_000, seed: 22))
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        _ = try #require(try fleet.publish(tree, to: origin))
        try tree.write("more", Bytes.random(2_000_000, seed: 23))
        let release = try #require(try fleet.publish(tree, to: origin))
        let head = release.document.chunkLog
        for from in [0, 1, head.size / 2, head.size] {
            let log = try #require(try origin.chunkLog(set: "pool", from: from, to: head.size))
            var state = log.state
            #expect(state.size == from && UInt64(log.entries.count) == head.size - from)
            try state.append(log.entries)
            #expect(state.head == head)
        }
        #expect(try origin.chunkLog(set: "pool", from: 0, to: head.size + 1) == nil)
        #expect(try origin.chunkLog(set: "pool", from: 2, to: 1) == nil)
        #expect(try origin.chunkLog(set: "other", from: 0, to: 0) == nil)
        _ = try fleet.fetch(release, from: origin, to: mirror)
        #expect(try mirror.chunkLog(set: "pool", from: 0, to: head.size) == nil)
        #expect(try origin.keepsChunkLog(ofSet: "pool") && !mirror.keepsChunkLog(ofSet: "pool"))
    }
}
