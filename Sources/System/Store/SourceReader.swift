import Content
import Dispatch
import Glibc
import Hashing
import LinuxIO
import Synchronization

/// Reads source files: cuts and hashes them. It stores nothing, and is used from several threads.
struct SourceReader: Sendable {
    /// Files up to this are read whole, several at a time; longer ones one after the other, with several threads each.
    static let wholeLimit = 8 << 20
    /// O_NOATIME, which Swift's Glibc leaves out; the same on every architecture that we build for.
    private static let noAccessTime: Int32 = 0o1000000

    private let cutter: FastCDC
    private let digests: [HashAlgorithm]

    init(profile: ChunkProfile, digests: [HashAlgorithm]) {
        cutter = FastCDC(profile: profile)
        self.digests = digests.sorted { $0.rawValue < $1.rawValue }
    }

    /// Opens the file without touching its access time where that is allowed.
    func open(_ item: SourceItem) throws -> OpenFile {
        guard let file = try item.folder.openFileIfPresent(item.name) else {
            throw StoreError.changedWhileRead(path: item.path)
        }
        // Reading must not touch the source; only its owner may ask for that, for others it stays as it is.
        _ = fcntl(file.descriptor, F_SETFL, O_RDONLY | Self.noAccessTime)
        return file
    }

    /// Looks at the file again: by its descriptor for what was read, and by its name for what is there now.
    func expectUnchanged(
        _ file: OpenFile, _ before: FileAttributes, _ item: SourceItem, linked: FileAttributes? = nil
    ) throws {
        let expected = SourceRecord.Stamp(linked ?? before)
        guard SourceRecord.Stamp(try file.attributes()) == expected,
            let named = try item.folder.stat(item.name), SourceRecord.Stamp(named) == expected
        else { throw StoreError.changedWhileRead(path: item.path) }
    }

    /// Reads a file of at most `wholeLimit` bytes through `buffer`, which has one byte more; `body` gets it, its bytes
    /// and what was found.
    func readWhole<Value>(
        _ item: SourceItem, _ buffer: UnsafeMutableRawBufferPointer,
        _ body: (OpenFile, UnsafeRawBufferPointer, SourceContent) throws -> Value
    ) throws -> Value {
        let file = try open(item)
        let before = try file.attributes()
        let size = Int(before.size)
        guard before.type == .regular, size <= Self.wholeLimit else {
            throw StoreError.changedWhileRead(path: item.path)
        }
        // One byte more than it has: a file that grows is noticed.
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(size + 1)])
        guard try file.read(into: part, at: 0) == size else { throw StoreError.changedWhileRead(path: item.path) }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<size])
        let content = try SourceContent(
            attributes: before, blob: BlobDigest(BLAKE3.hash(bytes)), chunks: cutter.chunks(bytes),
            further: digests.map { Digest.hash($0, bytes) })
        try expectUnchanged(file, before, item)
        return try body(file, bytes, content)
    }

    /// Reads an open file longer than `wholeLimit`, segment by segment: while one is hashed and written to `target`, the
    /// next is read.
    func readLong(
        _ item: SourceItem, _ file: OpenFile, _ before: FileAttributes, target: DirectFile? = nil,
        _ tell: (UInt64) throws -> Void
    ) throws -> SourceContent {
        let pass = LongPass(file: file, size: before.size, target: target, cutter: cutter, digests: digests)
        guard let result = try pass.run(tell) else { throw StoreError.changedWhileRead(path: item.path) }
        try expectUnchanged(file, before, item)
        return try SourceContent(
            attributes: before, blob: result.blob, chunks: result.chunks.count > 1 ? result.chunks : [],
            further: result.further)
    }

    /// Opens a long file to read it from its beginning to its end.
    func openLong(_ item: SourceItem) throws -> (file: OpenFile, attributes: FileAttributes) {
        let file = try open(item)
        let before = try file.attributes()
        guard before.type == .regular else { throw StoreError.changedWhileRead(path: item.path) }
        file.advise(.sequential)
        return (file, before)
    }

    /// Calls `read` with every file and a buffer of `wholeLimit` bytes and one more, by as many threads as there are
    /// processors; each takes the next that nobody has. What it gives, in the order of the files; throws the error of
    /// the first file that has one.
    static func readAll<Value: Sendable>(
        _ files: [SourceItem], _ read: @Sendable (SourceItem, UnsafeMutableRawBufferPointer) throws -> Value
    ) throws -> [Value?] {
        guard !files.isEmpty else { return [] }
        let results = Mutex<[Value?]>(Array(repeating: nil, count: files.count))
        let failure = Mutex<(index: Int, error: any Error)?>(nil)
        let next = Atomic<Int>(0)
        let workers = min(files.count, max(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))), 16)
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: wholeLimit + 1, alignment: 4096)
            defer { buffer.deallocate() }
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < files.count, failure.withLock({ $0 == nil }) else { return }
                do {
                    let value = try read(files[index], buffer)
                    results.withLock { $0[index] = value }
                } catch {
                    failure.withLock { first in
                        if first.map({ index < $0.index }) ?? true { first = (index, error) }
                    }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure.error }
        return results.withLock { $0 }
    }
}

/// What was found in a source file.
struct SourceContent: Sendable {
    /// As they were before and after it was read.
    let attributes: FileAttributes
    let blob: BlobDigest
    /// More than one, or none.
    let chunks: [ChunkReference]
    let list: (digest: ChunkListDigest, bytes: [UInt8])?
    let further: [Digest]

    init(attributes: FileAttributes, blob: BlobDigest, chunks: [ChunkReference], further: [Digest]) throws {
        self.attributes = attributes
        self.blob = blob
        self.chunks = chunks
        self.further = further
        if chunks.isEmpty {
            list = nil
        } else {
            let bytes = try ChunkList(chunks).encode()
            list = (ChunkList.digest(of: bytes), bytes)
        }
    }
}

/// What a manifest says of the things of a source.
extension ManifestEntry {
    /// The entry of a directory or symlink; nil for a file, which must be read.
    init?(unread item: SourceItem) throws {
        let modified = item.attributes.modified.seconds
        switch item.attributes.type {
        case .directory: try self.init(path: item.path, type: .directory, modified: modified)
        case .symlink:
            try self.init(
                path: item.path, type: .symlink, modified: modified, linkTarget: try item.folder.readLink(item.name))
        default: return nil
        }
    }

    /// The entry of a file with these attributes and digests.
    init(
        file path: RelativePath, _ attributes: FileAttributes, _ blob: BlobDigest, _ list: ChunkListDigest?,
        _ further: [Digest]
    ) throws {
        try self.init(
            path: path, type: .file, isExecutable: attributes.isExecutable, modified: attributes.modified.seconds,
            size: attributes.size, blob: blob, chunkList: list, furtherDigests: further)
    }
}

/// The rules for trees, applied to a source.
extension TreeRules {
    /// Takes the next entry of a source. Throws `refusedEntry`.
    mutating func check(source entry: ManifestEntry) throws(StoreError) {
        do {
            try check(entry)
        } catch {
            throw Self.refused(error)
        }
    }

    /// Ends the stream of entries of the source at `top`. Throws `refusedEntry` and what the disk says.
    func finish(source top: Folder) throws {
        do {
            try finish { path in
                switch try top.stat(path.bytes)?.type {
                case .regular: .file
                case .directory: .directory
                case .symlink: .symlink
                default: nil
                }
            }
        } catch let error as TreeRuleError {
            throw Self.refused(error)
        }
    }

    private static func refused(_ error: TreeRuleError) -> StoreError {
        switch error {
        case .linkLeavesSet(let path, _): .refusedEntry(shownPath: "\(path)", reason: "\(error)")
        default: .refusedEntry(shownPath: "the tree", reason: "\(error)")
        }
    }
}

extension Folder {
    /// Opens the top of a source tree. Throws `notADirectory` and what the disk says.
    static func openSource(_ path: String) throws -> Folder {
        do {
            return try Folder.open(path)
        } catch {
            if error.errnoName == "ENOTDIR" { throw StoreError.notADirectory(path) }
            throw error
        }
    }
}
