import Content
import Database
import Glibc
import Hashing
import LinuxIO
import Synchronization

/// Reads source files for a publish: cuts, hashes, and stages what the store does not hold. Used from several threads.
final class FileReader: Sendable {
    /// Files up to this are read whole, several at a time; longer ones one after the other, with several threads each.
    static let wholeLimit = 8 << 20
    /// O_NOATIME, which Swift's Glibc leaves out; the same on every architecture that we build for.
    private static let noAccessTime: Int32 = 0o1000000

    private let store: Store
    private let staging: StagingFolder
    private let options: IngestOptions
    private let cutter: FastCDC
    private let user = geteuid()
    /// Sizes of held blobs are not believed without a look at the file.
    private let isDamaged: Bool
    private let state = Mutex(State())

    private struct State {
        /// Blobs staged since the last group, so that equal files are staged once.
        var claimed: Set<BlobDigest> = []
        var refusesReflink = false
        var refusesLink = false
    }

    init(_ store: Store, _ staging: StagingFolder, _ options: IngestOptions, isDamaged: Bool) {
        self.store = store
        self.staging = staging
        self.options = options
        self.isDamaged = isDamaged
        cutter = FastCDC(profile: options.profile)
    }

    /// The group was recorded: what it held is found in the database from now on.
    func forgetClaims() { state.withLock { $0.claimed = [] } }

    /// Nothing could be shared although the mode asks for it.
    var refusesReflink: Bool { state.withLock { $0.refusesReflink } }
    var refusesLink: Bool { state.withLock { $0.refusesLink } }

    // MARK: Whole files

    /// Reads a file of at most `wholeLimit` bytes through `buffer`, which has one byte more.
    func readWhole(_ item: SourceItem, _ buffer: UnsafeMutableRawBufferPointer) throws -> ReadFile {
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
        let chunks = cutter.chunks(bytes)
        let blob = BlobDigest(BLAKE3.hash(bytes))
        let further = options.digests.sorted { $0.rawValue < $1.rawValue }.map { Digest.hash($0, bytes) }
        try expectUnchanged(file, before, item)
        var outcome = Outcome()
        if claim(blob, size: before.size) {
            outcome = try stage(item, file, before, blob, chunks) { target in try target.write(bytes, at: 0) }
        }
        return try readFile(item, before, blob, chunks, further, outcome)
    }

    // MARK: Long files

    /// Reads a file longer than `wholeLimit`, segment by segment: while one is hashed and written, the next is read.
    func readLong(_ item: SourceItem, _ tell: (UInt64) throws -> Void) throws -> ReadFile {
        let file = try open(item)
        let before = try file.attributes()
        guard before.type == .regular else { throw StoreError.changedWhileRead(path: item.path) }
        file.advise(.sequential)
        var outcome = Outcome()
        let temporary = Array("reading".utf8)
        try staging.folder.unlinkIfPresent(temporary)
        let target = try target(item, file, before, temporary, &outcome)
        let pass = LongPass(
            file: file, size: before.size,
            target: outcome.isShared ? nil : target.map { DirectFile($0, at: temporary, in: staging.folder) },
            cutter: cutter,
            digests: options.digests)
        guard let result = try pass.run(tell) else { throw StoreError.changedWhileRead(path: item.path) }
        try expectUnchanged(file, before, item)
        let chunks = result.chunks.count > 1 ? result.chunks : []
        guard claim(result.blob, size: before.size) else {
            try staging.folder.unlinkIfPresent(temporary)
            return try readFile(item, before, result.blob, chunks, result.further, Outcome())
        }
        if let target {
            let name = BlobVariant.hex(result.blob)
            try staging.folder.rename(temporary, to: name)
            try target.setMode(variant(result.blob, before).mode)
            try target.setModified(FileTime(seconds: before.modified.seconds))
            outcome.staged = StagedBlob(
                variant: variant(result.blob, before), size: before.size,
                list: nil, chunks: chunks, stagedName: name)
        } else {
            outcome = try stage(item, file, before, result.blob, chunks) { target in
                try target.copyRange(from: file, count: before.size)
            }
            try expectUnchanged(file, before, item, linked: outcome.linked)
        }
        return try readFile(item, before, result.blob, chunks, result.further, outcome)
    }

    /// The file that a long one is written to while it is read; nil if it will be linked, or nothing is stored.
    private func target(
        _ item: SourceItem, _ file: OpenFile, _ before: FileAttributes, _ name: [UInt8], _ outcome: inout Outcome
    ) throws -> OpenFile? {
        if options.dryRun || (options.mode == .link && canLink(file, before)) { return nil }
        let target = try staging.folder.createFile(name, mode: 0o644)
        if options.mode == .reflink, !refusesReflink, try target.reflink(from: file) {
            outcome.isShared = true
        } else {
            if options.mode == .reflink { state.withLock { $0.refusesReflink = true } }
            try target.allocate(before.size)
            outcome.copiedBytes = before.size
        }
        return target
    }

    // MARK: Staging

    /// Whether the file system shares the blocks of `item` with a file of the store. If it does not, it is not tried
    /// again: all files are copied.
    func canShare(_ item: SourceItem) throws -> Bool {
        let probe = Array("probe".utf8)
        try staging.folder.unlinkIfPresent(probe)
        let isShared = try staging.folder.createFile(probe, mode: 0o600).reflink(from: open(item))
        try staging.folder.unlinkIfPresent(probe)
        if !isShared { state.withLock { $0.refusesReflink = true } }
        return isShared
    }

    /// What staging a file came to.
    private struct Outcome {
        var staged: StagedBlob?
        var linked: FileAttributes?
        var copiedBytes: UInt64 = 0
        var isShared = false
    }

    /// Whether this caller is the one to stage the blob: the store does not hold it, and nobody has since the last group.
    private func claim(_ blob: BlobDigest, size: UInt64) -> Bool {
        let isHeld =
            (try? store.database.read { session -> Bool in
                guard let record = try session.blob(blob) else { return false }
                guard isDamaged else { return true }
                return try session.variants(of: blob, number: record.number)
                    .contains { try store.blobs.fault($0.variant, size: size) == nil }
            }) ?? false
        if isHeld { return false }
        return state.withLock { $0.claimed.insert(blob).inserted }
    }

    private func variant(_ blob: BlobDigest, _ attributes: FileAttributes) -> BlobVariant {
        BlobVariant(digest: blob, modified: attributes.modified.seconds, isExecutable: attributes.isExecutable)
    }

    private func stage(
        _ item: SourceItem, _ file: OpenFile, _ attributes: FileAttributes, _ blob: BlobDigest,
        _ chunks: [ChunkReference], copy: (OpenFile) throws -> Void
    ) throws -> Outcome {
        var outcome = Outcome()
        let name = BlobVariant.hex(blob)
        let variant = variant(blob, attributes)
        if options.dryRun {
            if options.mode == .link, canLink(file, attributes) { return outcome }
            outcome.copiedBytes = attributes.size
            return outcome
        }
        try staging.folder.unlinkIfPresent(name)
        if options.mode == .link, canLink(file, attributes), try link(item, name) {
            guard let linked = try staging.folder.stat(name), linked.inode == attributes.inode,
                linked.size == attributes.size, linked.modified == attributes.modified
            else {
                try staging.folder.unlinkIfPresent(name)
                throw StoreError.changedWhileRead(path: item.path)
            }
            outcome.linked = linked
        } else {
            let target = try staging.folder.createFile(name, mode: variant.mode)
            if options.mode == .reflink, !refusesReflink, attributes.size > 0 {
                outcome.isShared = try target.reflink(from: file)
                if !outcome.isShared { state.withLock { $0.refusesReflink = true } }
            }
            if outcome.isShared {
                // The clone was made after the bytes were hashed.
                try expectUnchanged(file, attributes, item)
            } else {
                try copy(target)
                outcome.copiedBytes = attributes.size
            }
            try target.setModified(FileTime(seconds: attributes.modified.seconds))
        }
        outcome.staged = StagedBlob(
            variant: variant, size: attributes.size, list: nil, chunks: chunks, stagedName: name)
        return outcome
    }

    /// Whether the source file itself can be what is served: it has the served mode and the agent's owner already, and
    /// nothing that a release does not carry.
    private func canLink(_ file: OpenFile, _ attributes: FileAttributes) -> Bool {
        guard attributes.permissions == 0o644 || attributes.permissions == 0o755, attributes.user == user,
            let extended = try? file.extendedAttributes()
        else { return false }
        return extended.settable.isEmpty
    }

    /// Links the source file into staging; false where that cannot be.
    private func link(_ item: SourceItem, _ name: [UInt8]) throws -> Bool {
        do {
            try item.folder.link(item.name, in: staging.folder, to: name)
            return true
        } catch {
            guard error.isCrossDevice || error.isOutOfLinks || error.errnoName == "EPERM" else { throw error }
            state.withLock { $0.refusesLink = true }
            return false
        }
    }

    // MARK: The source file

    private func open(_ item: SourceItem) throws -> OpenFile {
        guard let file = try item.folder.openFileIfPresent(item.name) else {
            throw StoreError.changedWhileRead(path: item.path)
        }
        // Reading must not touch the source; only its owner may ask for that, for others it stays as it is.
        _ = fcntl(file.descriptor, F_SETFL, O_RDONLY | Self.noAccessTime)
        return file
    }

    /// Looks at the file again: by its descriptor for what was read, and by its name for what is there now.
    private func expectUnchanged(
        _ file: OpenFile, _ before: FileAttributes, _ item: SourceItem, linked: FileAttributes? = nil
    ) throws {
        let expected = SourceRecord.Stamp(linked ?? before)
        guard SourceRecord.Stamp(try file.attributes()) == expected,
            let named = try item.folder.stat(item.name), SourceRecord.Stamp(named) == expected
        else { throw StoreError.changedWhileRead(path: item.path) }
    }

    private func readFile(
        _ item: SourceItem, _ attributes: FileAttributes, _ blob: BlobDigest, _ chunks: [ChunkReference],
        _ further: [Digest], _ outcome: Outcome
    ) throws -> ReadFile {
        var list: (digest: ChunkListDigest, bytes: [UInt8])?
        if !chunks.isEmpty {
            let bytes = try ChunkList(chunks).encode()
            list = (ChunkList.digest(of: bytes), bytes)
        }
        let staged = outcome.staged.map { staged in
            StagedBlob(
                variant: staged.variant, size: staged.size, list: list?.digest, chunks: chunks,
                stagedName: staged.stagedName)
        }
        return ReadFile(
            item: item, attributes: attributes, blob: blob, chunks: chunks, list: list, further: further,
            staged: staged, linked: outcome.linked, copiedBytes: outcome.copiedBytes, readAt: Int64(time(nil)))
    }
}
