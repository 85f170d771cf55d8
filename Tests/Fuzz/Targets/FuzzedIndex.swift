import Content
import Glibc
import Hashing
import LinuxIO
import Store
import Synchronization

/// A chunk index on disk, one file of which holds whatever the input says.
///
/// The first byte of an input chooses the file, the rest is its content.
final class FuzzedIndex: Sendable {
    private static let settings = DiskChunkIndex.Settings(tableLimit: 50)
    private static let fileLimit = 1 << 20
    private static let shared = Mutex<FuzzedIndex?>(nil)

    private let folder: Folder
    private let files: [(name: [UInt8], bytes: [UInt8])]
    private let keys: [ChunkDigest]

    /// An index with a run, a log and a state, in a folder that lives as long as the process.
    private init() throws {
        let top = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(top)/fleet-fuzz-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileError("make", Array(top.utf8), errno: errno) }
        folder = try Folder.open(template.dropLast().map { UInt8(bitPattern: $0) })
        keys = (0..<80).map { number in ChunkDigest(BLAKE3.hash([UInt8(number)])) }
        let index = try DiskChunkIndex(folder: folder, settings: Self.settings)
        let entries = keys.enumerated().map { number, key in
            ChunkIndexEntry(key, ChunkLocation(blobNumber: UInt64(number / 8), offset: UInt64(number), length: 9))
        }
        // The first sixty fill a run, the others stay in the log.
        try index.insert(Array(entries[..<60]))
        try index.insert(Array(entries[60...]))
        try index.remove(blobs: [3])
        try index.sync()
        files = try folder.list().map { [folder] entry in
            (entry.name, try folder.openFile(entry.name).readAll(limit: Self.fileLimit))
        }
    }

    /// Files of an index that is whole, as inputs.
    static func seeds() throws -> [[UInt8]] {
        try shared.withLock { shared in
            let index = try shared ?? FuzzedIndex()
            shared = index
            return index.files.enumerated().map { number, file in [UInt8(number)] + file.bytes }
        }
    }

    /// True if the index is whole, or was mended by cutting off the torn end of its log: then what was inserted or removed
    /// there is lost, but no chunk has the place of another.
    static func run(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        guard let choice = bytes.first else { return false }
        do {
            return try shared.withLock { shared in
                let index = try shared ?? FuzzedIndex()
                shared = index
                return try index.look(Int(choice) % index.files.count, Array(bytes.dropFirst()))
            }
        } catch let error as FuzzFinding {
            throw error
        } catch let error as ChunkIndexError {
            return FuzzTarget.refused(error)
        } catch {
            throw FuzzFinding("damage shows as \(error)")
        }
    }

    private func look(_ changed: Int, _ bytes: [UInt8]) throws -> Bool {
        try folder.removeContents()
        for (number, file) in files.enumerated() {
            try folder.createFile(file.name, mode: 0o600).write(number == changed ? bytes : file.bytes, at: 0)
        }
        let index = try DiskChunkIndex(folder: folder, settings: Self.settings)
        let found = try index.find(keys)
        for (number, location) in found.enumerated() {
            guard let location else { continue }
            guard location.offset == UInt64(number), location.blobNumber == UInt64(number / 8) else {
                throw FuzzFinding("the location of another chunk is given for chunk \(number)")
            }
        }
        try index.verify()
        return true
    }
}
