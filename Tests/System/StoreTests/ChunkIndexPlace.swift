import Content
import Glibc
import Hashing
import LinuxIO
import Testing

import Store
import TestSupport

/// SplitMix64: a seed is a whole run.
struct IndexRandom: RandomNumberGenerator {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func next() -> UInt64 {
        random.next()
    }

    mutating func digest() -> ChunkDigest {
        var bytes: [UInt8] = []
        for _ in 0..<4 { withUnsafeBytes(of: next()) { bytes += Array($0) } }
        return ChunkDigest(BLAKE3Digest(bytes)!)
    }

    mutating func location(blobs: Range<UInt64> = 0..<100) -> ChunkLocation {
        ChunkLocation(
            blobNumber: .random(in: blobs, using: &self),
            offset: .random(in: 0..<ChunkLocation.offsetLimit, using: &self),
            length: .random(in: 0..<ChunkLocation.lengthLimit, using: &self))
    }

    mutating func entries(_ count: Int) -> [ChunkIndexEntry] {
        (0..<count).map { _ in ChunkIndexEntry(digest(), location()) }
    }

    /// The seed of this run: FLEET_SEED, or a fixed one.
    static let seed: UInt64 = getenv("FLEET_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_240_607
}

/// A digest that begins with the same 24 bytes as every other made by this.
func clusteredDigest(_ number: UInt64) -> ChunkDigest {
    var bytes = [UInt8](repeating: 0x77, count: 24)
    for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
    }
    return ChunkDigest(BLAKE3Digest(bytes)!)
}

/// The implementations that the suite holds for.
enum IndexKind: String, CaseIterable, Sendable {
    case memory
    /// Runs are read; a tiny table, so that every test spills and merges.
    case disk
    /// Runs are mapped.
    case mappedDisk
    /// A table that nothing in the tests fills.
    case wideDisk

    var settings: DiskChunkIndex.Settings? {
        switch self {
        case .memory: nil
        case .disk: DiskChunkIndex.Settings(tableLimit: 64)
        case .mappedDisk: DiskChunkIndex.Settings(tableLimit: 50, mapsRuns: true)
        case .wideDisk: DiskChunkIndex.Settings()
        }
    }
}

/// A folder with an index of one test, removed when the last reference goes.
final class ChunkIndexPlace {
    let path: String
    let folder: Folder

    init() throws {
        var template = Array("/tmp/fleet-index-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) } != nil
        try #require(made)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        folder = try Folder.open(path)
    }

    deinit {
        try? folder.removeContents()
        rmdir(path)
    }

    func open(_ kind: IndexKind) throws -> any ChunkIndex {
        guard let settings = kind.settings else { return MemoryChunkIndex() }
        return try DiskChunkIndex(folder: folder, settings: settings)
    }

    /// The files of the index and their bytes, by name.
    func files() throws -> [(name: [UInt8], bytes: [UInt8])] {
        try folder.list().map { ($0.name, try folder.openFile($0.name).readAll(limit: 1 << 28)) }
    }

    /// A copy of this place, with one file's bytes changed.
    func copy(changing name: [UInt8] = [], _ change: (inout [UInt8]) -> Void = { _ in }) throws -> ChunkIndexPlace {
        let other = try ChunkIndexPlace()
        for file in try files() {
            var bytes = file.bytes
            if file.name == name { change(&bytes) }
            try other.folder.createFile(file.name).write(bytes, at: 0)
        }
        return other
    }

    /// The only file whose name begins so.
    func name(_ prefix: String) throws -> [UInt8] {
        let names = try folder.list().map(\.name).filter { $0.starts(with: prefix.utf8) }
        return try #require(names.count == 1 ? names.first : nil, "\(names.count) files \(prefix)")
    }
}
