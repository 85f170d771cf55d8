import Content
import Database
import Glibc
import Hashing
import LinuxIO
import Synchronization

/// One reading of a tree that is adopted: each file is hashed, cut, and linked into the store; nothing in it is changed.
struct AdoptRun {
    let store: Store
    let set: SetRecord
    let staging: StagingFolder
    private let profile: ChunkProfile
    private let top: Folder
    private let device: UInt64
    private let source: SourceReader
    private let linking = SourceLinking()
    private var records: SourceRecords
    private var outcome = AdoptOutcome()
    private var progress = AdoptProgress()
    private var waiting: [SourceItem] = []
    private var waitingBytes: UInt64 = 0
    private var folders = 0
    private var lastFolder: Folder?
    /// Staged since the last group, so that equal files are staged once.
    private var staged: Set<BlobVariant> = []
    private var group: [StagedBlob] = []
    private var groupBytes: UInt64 = 0
    private var lists: [(ChunkListDigest, [UInt8])] = []
    private var newRecords: [SourceRecord] = []

    /// What reading one file came to; nil content: it changed meanwhile.
    private struct Reading: Sendable {
        var content: SourceContent?
        var obstacle: SourceLinking.Obstacle?
    }

    /// - Throws: `notADirectory`, `otherFileSystem` and what the disk says.
    init(_ store: Store, _ set: SetRecord, _ staging: StagingFolder, source path: String, profile: ChunkProfile) throws
    {
        self.store = store
        self.set = set
        self.staging = staging
        self.profile = profile
        top = try Folder.openSource(path)
        device = try top.attributes().device
        guard try device == store.data.attributes().device else { throw StoreError.otherFileSystem(shownPath: path) }
        source = SourceReader(profile: profile, digests: [])
        records = SourceRecords(store.database, set: set.number)
    }

    /// Reads the whole tree. What `report` throws ends it; what is durable until then stays adopted.
    mutating func run(_ report: (AdoptProgress) throws -> Void) throws -> AdoptOutcome {
        let unusable = Atomic<UInt64>(0)
        try SourceWalk(top: top, refused: { _ in unusable.add(1, ordering: .relaxed) }).runAhead { item in
            try take(item, report)
            if waitingBytes >= 64 << 20 || waiting.count >= 4096 || folders >= 128 {
                try settleWaiting()
                try report(progress)
            }
        }
        try settleWaiting()
        try settleGroup()
        outcome.unusable += unusable.load(ordering: .relaxed)
        try report(progress)
        return outcome
    }

    // MARK: Files

    private mutating func take(_ item: SourceItem, _ report: (AdoptProgress) throws -> Void) throws {
        guard item.attributes.type == .regular else { return }
        let size = item.attributes.size
        (outcome.files, outcome.bytes) = (outcome.files + 1, outcome.bytes &+ size)
        (progress.files, progress.bytes) = (outcome.files, outcome.bytes)
        if try isKnown(item) { return }
        guard item.attributes.device == device else { return outcome.otherFileSystem += 1 }
        if let obstacle = linking.obstacle(item.attributes) { return leave(obstacle) }
        progress.readBytes &+= size
        if size > UInt64(SourceReader.wholeLimit) {
            try settleWaiting()
            try takeLong(item, report)
            return
        }
        waiting.append(item)
        waitingBytes += size
        if lastFolder !== item.folder {
            lastFolder = item.folder
            folders += 1
        }
    }

    /// Whether an earlier run has adopted the file as it is.
    private mutating func isKnown(_ item: SourceItem) throws -> Bool {
        guard let record = try records.record(at: item.path), record.profile == profile.identifier else { return false }
        let now = SourceRecord.Stamp(item.attributes)
        let isSame =
            record.stamp.size == now.size && record.stamp.modified == now.modified
            && record.stamp.inode == now.inode && record.stamp.device == now.device
        guard isSame else { return false }
        if record.isLinked {
            // Links change the ctime of what the store shares; that it is the store's inode proves as much.
            let variant = BlobVariant(
                digest: record.blob, modified: now.modified.seconds, isExecutable: item.attributes.isExecutable)
            guard try store.blobs.stat(variant)?.inode == now.inode else { return false }
            outcome.linkedFiles += 1
            outcome.linkedBytes &+= now.size
        } else {
            guard record.stamp.changed == now.changed else { return false }
            outcome.heldFiles += 1
        }
        outcome.knownFiles += 1
        return true
    }

    private mutating func leave(_ obstacle: SourceLinking.Obstacle) {
        switch obstacle {
        case .owner: outcome.otherOwner += 1
        case .mode: outcome.otherMode += 1
        case .extendedAttributes: outcome.extended += 1
        }
    }

    private mutating func takeLong(_ item: SourceItem, _ report: (AdoptProgress) throws -> Void) throws {
        var now = progress
        let (bytes, read) = (progress.bytes - item.attributes.size, progress.readBytes - item.attributes.size)
        do {
            let (file, before) = try source.openLong(item)
            if let obstacle = linking.obstacle(file, before) { return leave(obstacle) }
            let content = try source.readLong(item, file, before) { done in
                (now.bytes, now.readBytes) = (bytes + done, read + done)
                try report(now)
            }
            try take(item, content)
        } catch StoreError.changedWhileRead {
            outcome.changed += 1
        }
    }

    private mutating func settleWaiting() throws {
        let files = waiting
        let readings = try SourceReader.readAll(files) { [source, linking] item, buffer in
            do {
                return try source.readWhole(item, buffer) { file, _, content in
                    Reading(content: content, obstacle: linking.obstacle(file, content.attributes))
                }
            } catch StoreError.changedWhileRead {
                return Reading()
            }
        }
        waiting = []
        (waitingBytes, folders, lastFolder) = (0, 0, nil)
        for (item, reading) in zip(files, readings) {
            if let obstacle = reading?.obstacle {
                leave(obstacle)
            } else if let content = reading?.content {
                try take(item, content)
            } else {
                outcome.changed += 1
            }
        }
        if groupBytes >= StoreLayout.ingestGroupBytes || group.count >= StoreLayout.groupBlobs
            || newRecords.count >= 65_536
        {
            try settleGroup()
        }
    }

    /// Links a file that was read, unless the store has its bytes with this time and mode.
    private mutating func take(_ item: SourceItem, _ content: SourceContent) throws {
        let variant = BlobVariant(
            digest: content.blob, modified: content.attributes.modified.seconds,
            isExecutable: content.attributes.isExecutable)
        let isHeld = try staged.contains(variant) || store.database.read { try $0.holds(variant) }
        if isHeld {
            outcome.heldFiles += 1
            note(item, content, linked: nil)
            return
        }
        let name = variant.name
        let linked: FileAttributes?
        do {
            linked = try linking.link(item, content.attributes, in: staging.folder, to: name)
        } catch StoreError.changedWhileRead {
            outcome.changed += 1
            return
        }
        guard let linked else {
            outcome.unusable += 1
            return
        }
        staged.insert(variant)
        group.append(
            StagedBlob(
                variant: variant, size: content.attributes.size, list: content.list?.digest, chunks: content.chunks,
                givenName: name))
        groupBytes += content.attributes.size
        if let list = content.list { lists.append((list.digest, list.bytes)) }
        outcome.linkedFiles += 1
        outcome.linkedBytes &+= content.attributes.size
        note(item, content, linked: linked)
    }

    private mutating func note(_ item: SourceItem, _ content: SourceContent, linked: FileAttributes?) {
        let file = ReadFile(
            item: item, content: content, staged: nil, linked: linked, copiedBytes: 0, readAt: Int64(time(nil)))
        if let record = SourceRecord(file, profile: profile) { newRecords.append(record) }
    }

    // MARK: Groups

    /// Makes blobs, chunk lists and records durable: what is adopted after it is not read again.
    private mutating func settleGroup() throws {
        defer {
            group.removeAll()
            groupBytes = 0
            lists.removeAll()
            newRecords.removeAll()
            staged.removeAll()
        }
        guard !group.isEmpty || !newRecords.isEmpty else { return }
        try store.commit(group, of: set.name, from: staging) { session in
            for (digest, bytes) in lists { try session.insert(.chunkList, digest.raw, bytes) }
            for record in newRecords { try session.write(record, set: set.number) }
        }
    }
}
