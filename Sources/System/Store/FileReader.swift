import Content
import Database
import Glibc
import Hashing
import LinuxIO
import Synchronization

/// Reads source files for a publish: cuts, hashes, and stages what the store does not hold. Used from several threads.
final class FileReader: Sendable {
    private let store: Store
    private let staging: StagingFolder
    private let options: IngestOptions
    private let source: SourceReader
    private let linking = SourceLinking()
    /// Sizes of held blobs are not believed without a look at the file.
    private let isDamaged: Bool
    private let state = Mutex(State())

    private struct State {
        /// Blobs staged since the last group, so that equal files are staged once.
        var claimed: Set<BlobDigest> = []
        var refusesReflink = false
    }

    init(_ store: Store, _ staging: StagingFolder, _ options: IngestOptions, isDamaged: Bool) {
        self.store = store
        self.staging = staging
        self.options = options
        self.isDamaged = isDamaged
        source = SourceReader(profile: options.profile, digests: options.digests)
    }

    /// The group was recorded: what it held is found in the database from now on.
    func forgetClaims() { state.withLock { $0.claimed = [] } }

    /// Nothing could be shared although the mode asks for it.
    var refusesReflink: Bool { state.withLock { $0.refusesReflink } }

    /// Reads a file of at most `SourceReader.wholeLimit` bytes through `buffer`, which has one byte more.
    func readWhole(_ item: SourceItem, _ buffer: UnsafeMutableRawBufferPointer) throws -> ReadFile {
        try source.readWhole(item, buffer) { file, bytes, content in
            var outcome = Outcome()
            if claim(content) {
                outcome = try stage(item, file, content) { target in try target.write(bytes, at: 0) }
            }
            return readFile(item, content, outcome)
        }
    }

    /// Reads a file longer than `SourceReader.wholeLimit`, and writes its copy while it does.
    func readLong(_ item: SourceItem, _ tell: (UInt64) throws -> Void) throws -> ReadFile {
        let (file, before) = try source.openLong(item)
        var outcome = Outcome()
        let temporary = Array("reading".utf8)
        try staging.folder.unlinkIfPresent(temporary)
        let target = try target(item, file, before, temporary, &outcome)
        let content = try source.readLong(
            item, file, before,
            target: outcome.isShared ? nil : target.map { DirectFile($0, at: temporary, in: staging.folder) }, tell)
        guard claim(content) else {
            try staging.folder.unlinkIfPresent(temporary)
            return readFile(item, content, Outcome())
        }
        if let target {
            let variant = variant(content)
            let name = BlobVariant.hex(content.blob)
            try staging.folder.rename(temporary, to: name)
            try target.setMode(variant.mode)
            try target.setModified(FileTime(seconds: before.modified.seconds))
            outcome.staged = staged(content, name)
        } else {
            outcome = try stage(item, file, content) { target in
                try target.copyRange(from: file, count: before.size)
            }
            try source.expectUnchanged(file, before, item, linked: outcome.linked)
        }
        return readFile(item, content, outcome)
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
        let isShared = try staging.folder.createFile(probe, mode: 0o600).reflink(from: source.open(item))
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
    private func claim(_ content: SourceContent) -> Bool {
        let (blob, size) = (content.blob, content.attributes.size)
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

    private func variant(_ content: SourceContent) -> BlobVariant {
        BlobVariant(
            digest: content.blob, modified: content.attributes.modified.seconds,
            isExecutable: content.attributes.isExecutable)
    }

    private func staged(_ content: SourceContent, _ name: [UInt8]) -> StagedBlob {
        StagedBlob(
            variant: variant(content), size: content.attributes.size, list: content.list?.digest,
            chunks: content.chunks, givenName: name)
    }

    private func stage(
        _ item: SourceItem, _ file: OpenFile, _ content: SourceContent, copy: (OpenFile) throws -> Void
    ) throws -> Outcome {
        var outcome = Outcome()
        let attributes = content.attributes
        let name = BlobVariant.hex(content.blob)
        if options.dryRun {
            if options.mode == .link, canLink(file, attributes) { return outcome }
            outcome.copiedBytes = attributes.size
            return outcome
        }
        try staging.folder.unlinkIfPresent(name)
        if options.mode == .link, canLink(file, attributes) {
            outcome.linked = try linking.link(item, attributes, in: staging.folder, to: name)
        }
        if outcome.linked == nil {
            let target = try staging.folder.createFile(name, mode: variant(content).mode)
            if options.mode == .reflink, !refusesReflink, attributes.size > 0 {
                outcome.isShared = try target.reflink(from: file)
                if !outcome.isShared { state.withLock { $0.refusesReflink = true } }
            }
            if outcome.isShared {
                // The clone was made after the bytes were hashed.
                try source.expectUnchanged(file, attributes, item)
            } else {
                try copy(target)
                outcome.copiedBytes = attributes.size
            }
            try target.setModified(FileTime(seconds: attributes.modified.seconds))
        }
        outcome.staged = staged(content, name)
        return outcome
    }

    /// Whether the source file itself can be what is served.
    private func canLink(_ file: OpenFile, _ attributes: FileAttributes) -> Bool {
        linking.obstacle(file, attributes) == nil
    }

    private func readFile(_ item: SourceItem, _ content: SourceContent, _ outcome: Outcome) -> ReadFile {
        ReadFile(
            item: item, content: content, staged: outcome.staged, linked: outcome.linked,
            copiedBytes: outcome.copiedBytes, readAt: Int64(time(nil)))
    }
}
