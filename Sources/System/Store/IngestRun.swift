import Content
import Database
import Hashing
import LinuxIO

/// One reading of a source tree: entries come in the order of the manifest, files that must be read are read several at
/// a time, and what is finished is made durable in groups.
struct IngestRun {
    let store: Store
    let set: SetRecord
    let options: IngestOptions
    let staging: StagingFolder
    let top: Folder
    let reader: FileReader
    var progress = IngestProgress()
    var dropped = DroppedAttributes()
    var copiedBytes: UInt64 = 0
    var readFiles: UInt64 = 0
    var counter: DryRunCounter
    private var records: SourceRecords
    private var builder: ManifestBuilder
    private let nodes: NodeBuffer
    private var rules: TreeRules
    private var batch = Batch()
    private var group: [StagedBlob] = []
    private var groupBytes: UInt64 = 0
    private var lists: [(ChunkListDigest, [UInt8])] = []
    private var newRecords: [SourceRecord] = []
    /// Whether it is settled that files can be shared, or told what will be copied.
    private var hasLookedAtSharing: Bool
    /// Folders that may be open until then.
    private let waitingFolders = max(128, min(1024, raiseDescriptorLimit() / 8))
    private var attachments: [(list: ChunkListDigest, chunks: [ChunkReference], blob: BlobDigest, bytes: [UInt8])] = []

    /// Entries in order, some of which wait for their file to be read.
    private struct Batch {
        var entries: [Pending] = []
        var files: [SourceItem] = []
        var bytes: UInt64 = 0
        var folders = 0
        var lastFolder: Folder?
    }

    private enum Pending {
        case entry(ManifestEntry)
        /// The index of a file to read.
        case file(Int)
    }

    /// The nodes that the builder has made and the store does not hold.
    private final class NodeBuffer {
        var nodes: [(NodeDigest, [UInt8])] = []
    }

    init(_ session: IngestSession, source: String) throws {
        store = session.store
        set = session.set
        options = session.options
        staging = session.staging
        top = try Folder.openSource(source)
        if options.mode == .link, try top.attributes().device != store.data.attributes().device {
            throw StoreError.otherFileSystem(shownPath: source)
        }
        reader = FileReader(store, staging, options, isDamaged: set.isDamaged)
        records = SourceRecords(store.database, set: set.number)
        rules = TreeRules(allowsEscapingLinks: options.allowEscapingLinks)
        counter = try DryRunCounter(store: store, set: set)
        hasLookedAtSharing = options.mode != .reflink || options.dryRun
        let nodes = NodeBuffer()
        self.nodes = nodes
        let (database, isDamaged, isDry) = (store.database, set.isDamaged, options.dryRun)
        builder = ManifestBuilder { digest, bytes in
            if isDry { return }
            if try !isDamaged && database.read({ try $0.holds(.node, digest.raw) }) { return }
            nodes.nodes.append((digest, bytes))
        }
    }

    // MARK: The walk

    mutating func run(
        _ willCopy: (PlannedCopies) throws -> Void, _ report: (IngestProgress) throws -> Void
    ) throws -> MadeDraft {
        store.note(.ingestScan, set.name)
        try SourceWalk(top: top).runAhead { item in
            try take(item, willCopy, report)
            if isBatchFull {
                try settleBatch(willCopy)
                try report(progress)
            }
        }
        try settleBatch(willCopy, isLast: true)
        try rules.finish(source: top)
        store.note(.ingestManifest, set.name)
        progress.phase = "manifest"
        try report(progress)
        let root = try builder.finish()
        try records.finish()
        try settleGroup()
        for item in attachments { try store.attach(item.list, item.chunks, to: item.blob, bytes: item.bytes) }
        return try draft(root)
    }

    private mutating func take(
        _ item: SourceItem, _ willCopy: (PlannedCopies) throws -> Void, _ report: (IngestProgress) throws -> Void
    ) throws {
        count(item)
        guard let entry = try ManifestEntry(unread: item) else { return try takeFile(item, willCopy, report) }
        if entry.isDirectory { _ = countExtended(item) }
        batch.entries.append(.entry(entry))
    }

    private mutating func takeFile(
        _ item: SourceItem, _ willCopy: (PlannedCopies) throws -> Void, _ report: (IngestProgress) throws -> Void
    ) throws {
        progress.files += 1
        progress.bytes += item.attributes.size
        if let record = try records.record(at: item.path), isUnchanged(item, record) {
            let entry = try ManifestEntry(file: item.path, item.attributes, record.blob, record.list, record.further)
            batch.entries.append(.entry(entry))
            // A new attribute changes the ctime, so only the file that is read again can have got one.
            if !record.isBare { _ = countExtended(item) }
            return
        }
        var item = item
        item.isBare = countExtended(item)
        progress.readFiles += 1
        progress.readBytes += item.attributes.size
        if item.attributes.size > UInt64(SourceReader.wholeLimit) {
            // Everything before it comes first; then it has all threads to itself.
            try lookAtSharing(of: item, willCopy)
            try settleBatch(willCopy)
            var now = progress
            let before = progress.bytes - item.attributes.size
            if !options.dryRun, options.mode == .copy || (options.mode == .reflink && reader.refusesReflink) {
                try store.expectRoom(bytes: item.attributes.size, for: set.name)
            }
            let file = try reader.readLong(item) { done in
                now.bytes = before + done
                try report(now)
            }
            try take(file)
            return
        }
        batch.entries.append(.file(batch.files.count))
        batch.files.append(item)
        batch.bytes += item.attributes.size
        if batch.lastFolder !== item.folder {
            batch.lastFolder = item.folder
            batch.folders += 1
        }
    }

    func isUnchanged(_ item: SourceItem, _ record: SourceRecord) -> Bool {
        guard !set.isDamaged, record.profile == options.profile.identifier,
            record.further.map(\.algorithm) == options.digests.sorted(by: { $0.rawValue < $1.rawValue })
        else { return false }
        return record.stamp.proves(
            SourceRecord.Stamp(item.attributes), isLinked: record.isLinked, linking: set.linking)
    }

    private mutating func count(_ item: SourceItem) {
        progress.entries += 1
        let permissions = item.attributes.permissions
        if item.attributes.type != .symlink {
            if permissions & 0o7000 != 0 { dropped.specialBits += 1 }
            let plain = permissions & 0o777
            if plain != 0o755, item.attributes.type == .directory || plain != 0o644 { dropped.permissions += 1 }
        }
    }

    /// Counts what a release does not carry; returns whether there is nothing such.
    private mutating func countExtended(_ item: SourceItem) -> Bool {
        guard let extended = try? item.folder.extendedAttributes(item.name) else { return false }
        guard !extended.settable.isEmpty else { return true }
        if extended.hasAccessControlList { dropped.accessControlLists += 1 }
        if extended.settable.contains(where: { !$0.starts(with: Array("system.posix_acl_".utf8)) }) {
            dropped.extendedAttributes += 1
        }
        return false
    }

    // MARK: Batches

    /// Bounds what waits: bytes for the pace of the progress, folders because each holds a descriptor. As long as it is
    /// not told what will be copied, many unchanged entries may wait with a few changed files: if the walk ends before
    /// the batch is full, these files are all that is copied, and no other walk is needed to know it.
    private var isBatchFull: Bool {
        let mayWait = !hasLookedAtSharing && !batch.files.isEmpty
        return batch.bytes >= 64 << 20 || batch.files.count >= 4096
            || batch.folders >= (mayWait ? waitingFolders : 128)
            || batch.entries.count >= (mayWait ? 262_144 : 16_384)
    }

    /// Before the first byte is copied: where blocks cannot be shared, tells what will be copied. `all`: if it is known,
    /// every file that is.
    private mutating func lookAtSharing(
        of item: SourceItem, _ willCopy: (PlannedCopies) throws -> Void, all waiting: [SourceItem]? = nil
    ) throws {
        guard !hasLookedAtSharing else { return }
        hasLookedAtSharing = true
        if try !reader.canShare(item) { try willCopy(try waiting.map { PlannedCopies(of: $0) } ?? plannedCopies()) }
    }

    private mutating func settleBatch(
        _ willCopy: (PlannedCopies) throws -> Void, isLast: Bool = false
    ) throws {
        if let first = batch.files.first(where: { $0.attributes.size > 0 }) {
            try lookAtSharing(of: first, willCopy, all: isLast ? batch.files : nil)
        }
        let files = batch.files
        var results = try SourceReader.readAll(files) { [reader] in try reader.readWhole($0, $1) }
        for pending in batch.entries {
            switch pending {
            case .entry(let entry): try append(entry)
            case .file(let index):
                guard let file = results[index] else { throw StoreError.changedWhileRead(path: files[index].path) }
                results[index] = nil
                try take(file)
            }
        }
        batch = Batch()
        if groupBytes >= StoreLayout.ingestGroupBytes || group.count >= StoreLayout.groupBlobs
            || nodes.nodes.count >= 4096 || newRecords.count >= 65_536
        {
            try settleGroup()
        }
    }

    private mutating func take(_ file: ReadFile) throws {
        readFiles += 1
        copiedBytes += file.copiedBytes
        let content = file.content
        try append(
            ManifestEntry(
                file: file.item.path, content.attributes, content.blob, content.list?.digest, content.further))
        if options.dryRun {
            try counter.count(file.allChunks)
            return
        }
        if let list = content.list {
            lists.append((list.digest, list.bytes))
            if file.staged == nil { try noteAttachment(file, list) }
        }
        if let staged = file.staged {
            group.append(staged)
            groupBytes += staged.size
        }
        noteRecord(file)
    }

    /// A held blob that another profile had cut elsewhere gets its further list.
    private mutating func noteAttachment(_ file: ReadFile, _ list: (digest: ChunkListDigest, bytes: [UInt8])) throws {
        let isKnown = try store.database.read { session -> Bool in
            guard let record = try session.blob(file.content.blob) else { return true }
            return try record.list == list.digest || session.isAttached(list.digest, to: record.number)
        }
        if !isKnown { attachments.append((list.digest, file.content.chunks, file.content.blob, list.bytes)) }
    }

    private mutating func noteRecord(_ file: ReadFile) {
        if let record = SourceRecord(file, profile: options.profile) { newRecords.append(record) }
    }

    private mutating func append(_ entry: ManifestEntry) throws {
        try rules.check(source: entry)
        try builder.append(entry)
    }

    // MARK: Groups

    /// Makes blobs, chunk lists, nodes and source records durable, in that order.
    private mutating func settleGroup() throws {
        defer {
            group.removeAll()
            groupBytes = 0
            lists.removeAll()
            newRecords.removeAll()
            nodes.nodes.removeAll()
            reader.forgetClaims()
        }
        let passed = records.takePassed()
        if options.dryRun
            || (group.isEmpty && lists.isEmpty && newRecords.isEmpty && nodes.nodes.isEmpty && passed.isEmpty)
        {
            return
        }
        try store.expectRoom(bytes: 0, for: set.name)
        let verb = set.isDamaged ? "INSERT OR REPLACE" : "INSERT OR IGNORE"
        try store.commit(group, of: set.name, from: staging) { session in
            for (digest, bytes) in lists {
                try session.run(
                    "\(verb) INTO chunk_list (digest, bytes) VALUES (?, ?)", [.digest(digest.raw), .blob(bytes)])
            }
            for (digest, bytes) in nodes.nodes {
                try session.run("\(verb) INTO node (digest, bytes) VALUES (?, ?)", [.digest(digest.raw), .blob(bytes)])
            }
            for path in passed { try session.removeSource(path, set: set.number) }
            for record in newRecords { try session.write(record, set: set.number) }
        }
    }
}
