import Content
import Hashing
import LinuxIO
import Store

/// The folder in which a retrieval builds a set, or a part of one. All calls block.
///
/// Nothing in it is ever followed: paths are walked beneath its descriptor without symbolic links. What is not whole yet
/// lies in `.fleet/fetch`, a name that no entry of a set has; a file gets its place by one rename, after its bytes are
/// durable.
package final class RetrievalFolder: Sendable {
    private static let working = Array(".fleet".utf8)
    private static let parts = Array(".fleet/fetch".utf8)
    private static let lockName = "fetch.lock"
    /// More would tell nobody more.
    private static let conflictLimit = 20

    /// For messages.
    let name: String
    private let top: Folder
    private let staging: Folder
    private let lock: FileLock

    /// Takes the folder at `path`, which is there. Throws `FileError`, and ``RetrievalError/busy(directory:)`` while
    /// another process has it.
    package init(_ path: String) throws {
        name = path
        top = try Folder.open(path)
        let working = try top.ensureFolder(Self.working, mode: 0o700)
        guard let lock = try FileLock.acquire(in: working, Self.lockName) else {
            throw RetrievalError.busy(directory: path)
        }
        self.lock = lock
        staging = try top.ensureFolder(Self.parts, mode: 0o700)
    }

    /// Bytes that may still be written here. Throws `FileError`.
    var freeBytes: UInt64 { get throws { try DiskUsage.of(top).freeBytes } }

    // MARK: Looking

    /// What is to be done for some entries.
    struct Survey: Sendable {
        /// Files whose bytes are not there.
        var needed: [ManifestEntry] = []
        /// Files whose bytes are there.
        var present: [ManifestEntry] = []
        /// What a retrieval does not take away.
        var conflicts: [String] = []
    }

    /// Compares `entries`, ascending, with what is here: files by all their bytes. Changes nothing. Throws `FileError`.
    /// - Parameter progress: gets the bytes of files that were looked at.
    func survey(_ entries: [ManifestEntry], progress: (UInt64) -> Void) throws -> Survey {
        var survey = Survey()
        var bytes: UInt64 = 0
        var blocked: RelativePath?
        for entry in entries where survey.conflicts.count < Self.conflictLimit {
            if let blocked, PathSelection([blocked]).contains(entry.path) { continue }
            let found = try top.stat(entry.path.bytes)
            if let found, let what = Self.conflict(entry, found) {
                survey.conflicts.append("\(entry.path) is \(what)")
                blocked = entry.path
            }
            guard entry.type == .file else { continue }
            bytes += entry.size
            let isThere = try found.map { try holds(entry, $0) } ?? false
            if isThere { survey.present.append(entry) } else { survey.needed.append(entry) }
            progress(bytes)
        }
        return survey
    }

    private static func conflict(_ entry: ManifestEntry, _ found: FileAttributes) -> String? {
        switch (entry.type, found.type) {
        case (.directory, .directory), (.file, .regular), (.file, .symlink), (.symlink, .regular), (.symlink, .symlink):
            nil
        case (_, .directory): "a directory here, and a \(entry.type == .file ? "file" : "link") in the release"
        case (.directory, .symlink): "a symbolic link here, and a directory in the release"
        case (.directory, _): "no directory here, but one in the release"
        default: "something else than a file or link here"
        }
    }

    private func holds(_ entry: ManifestEntry, _ found: FileAttributes) throws -> Bool {
        guard found.type == .regular, found.size == entry.size, let blob = entry.blob else { return false }
        return try top.openFile(entry.path.bytes).blake3() == blob.raw
    }

    // MARK: Building

    /// Makes the directories of `entries`, and gives files whose bytes are here their time and mode. Throws `FileError`.
    func prepare(directories entries: [ManifestEntry], present: [ManifestEntry]) throws {
        for entry in entries where entry.isDirectory { _ = try top.ensureFolder(entry.path.bytes) }
        for entry in present {
            let file = try top.openFile(entry.path.bytes)
            let found = try file.attributes()
            if found.permissions != Self.mode(entry) { try file.setMode(Self.mode(entry)) }
            if found.modified != FileTime(seconds: entry.modified) {
                try file.setModified(FileTime(seconds: entry.modified))
            }
        }
    }

    /// What is staged of a blob of that size: the bytes of its chunks that are right, by position. Anything else under
    /// its name is removed. Throws `FileError`.
    func staged(_ blob: BlobDigest, size: UInt64, _ chunks: [ChunkReference]) throws -> [Bool] {
        var isThere = [Bool](repeating: false, count: chunks.count)
        guard let found = try staging.stat(Self.stagedName(blob)) else { return isThere }
        guard found.type == .regular, found.size == size else {
            try staging.removeTree(Self.stagedName(blob))
            return isThere
        }
        let file = try staging.openFile(Self.stagedName(blob))
        var offset: UInt64 = 0
        for (index, chunk) in chunks.enumerated() {
            isThere[index] = BLAKE3.hash(try file.read(Int(chunk.length), at: offset)) == chunk.digest.raw
            offset += UInt64(chunk.length)
        }
        return isThere
    }

    /// Writes bytes that were verified into the staged file of a blob, which is made at its full size if it is not there.
    /// May be called from several threads at once. Throws `FileError`.
    func write(_ bytes: UnsafeRawBufferPointer, of blob: BlobDigest, size: UInt64, at offset: UInt64) throws {
        try stagedFile(blob, size).write(bytes, at: offset)
    }

    private func stagedFile(_ blob: BlobDigest, _ size: UInt64) throws(FileError) -> OpenFile {
        let name = Self.stagedName(blob)
        if let file = try staging.openFileIfPresent(name, writable: true) { return file }
        do throws(FileError) {
            let file = try staging.createFile(name, mode: 0o600)
            try file.allocate(size)
            return file
        } catch  where error.isAlreadyThere {
            return try staging.openFile(name, writable: true)
        }
    }

    /// Puts whole blobs at the paths of the entries that show them: verified once more, durable before they get their
    /// names, each by one rename. Throws ``RetrievalError/wrongFile(_:)``, `FileError`.
    func place(_ blobs: [(blob: BlobDigest, size: UInt64, entries: [ManifestEntry])]) throws {
        var moves: [(name: [UInt8], path: RelativePath)] = []
        for (blob, size, entries) in blobs {
            let source = try stagedFile(blob, size)
            guard let first = entries.first, try source.blake3() == blob.raw else {
                try staging.unlinkIfPresent(Self.stagedName(blob))
                throw RetrievalError.wrongFile(entries[0].path)
            }
            for (index, entry) in entries.enumerated() where index > 0 {
                let name = Self.stagedName(blob) + Array(".\(index)".utf8)
                try staging.unlinkIfPresent(name)
                let copy = try staging.createFile(name, mode: 0o600)
                try copy.copyAll(from: source, size: size)
                try finish(copy, entry)
                moves.append((name, entry.path))
            }
            try finish(source, first)
            moves.append((Self.stagedName(blob), first.path))
        }
        try staging.syncFileSystem()
        for (name, path) in moves { try staging.rename(name, in: top, to: path.bytes) }
    }

    private func finish(_ file: OpenFile, _ entry: ManifestEntry) throws(FileError) {
        try file.setMode(Self.mode(entry))
        try file.setModified(FileTime(seconds: entry.modified))
    }

    /// Makes the links of `entries`, and gives directories, deepest first, their times; takes away what was staged.
    /// - Parameter topModified: the time of the folder itself; nil: it stays.
    /// Throws `FileError`.
    func finish(_ entries: [ManifestEntry], topModified: Int64?) throws {
        for entry in entries where entry.type == .symlink {
            let path = entry.path.bytes
            if try top.stat(path)?.type != .symlink || top.readLink(path) != entry.linkTarget {
                let temporary = Array("link".utf8)
                try staging.unlinkIfPresent(temporary)
                try staging.makeSymlink(entry.linkTarget, at: temporary)
                try staging.rename(temporary, in: top, to: path)
            }
            try top.setModified(path, FileTime(seconds: entry.modified))
        }
        try top.removeTree(Self.working)
        for entry in entries.reversed() where entry.isDirectory {
            try top.setModified(entry.path.bytes, FileTime(seconds: entry.modified))
        }
        if let topModified { try top.setModified(FileTime(seconds: topModified)) }
        try top.syncFileSystem()
    }

    private static func mode(_ entry: ManifestEntry) -> UInt32 { entry.isExecutable ? 0o755 : 0o644 }

    private static func stagedName(_ blob: BlobDigest) -> [UInt8] { Array(blob.raw.hex.utf8) }
}
