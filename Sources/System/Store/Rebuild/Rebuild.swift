import Content
import Database
import Glibc
import Hashing
import LinuxIO
import Trust

/// Makes a lost database again: from the blobs, which are hashed and cut again, from the files of releases, and
/// from the served trees, whose manifests must come to the roots that were signed.
struct Rebuild {
    let folders: StoreFolders
    let database: Connection
    private let releases: [KeptRelease]
    private let profiles: [ChunkProfile]
    private let algorithms: [HashAlgorithm]
    private(set) var outcome = RebuildOutcome()
    private var blobs: [KnownBlob] = []
    /// Index in `blobs` by inode: how files of trees are known again.
    private var byInode: [UInt64: Int32] = [:]

    /// A release with its file, verified.
    struct KeptRelease {
        let set: String
        let document: ReleaseDocument
        let bytes: [UInt8]
        let digest: ReleaseDigest
        let furtherDigests: [HashAlgorithm]
    }

    /// What an entry of a manifest says of a blob.
    struct KnownBlob {
        let number: Int64
        let digest: BlobDigest
        /// By the index of the profile.
        let lists: [ChunkListDigest?]
        /// By the index of the algorithm.
        let further: [Digest]
    }

    /// Blobs read before their rows are written: bounds memory and the size of a transaction.
    private static let batchCount = 1024

    init(_ folders: StoreFolders, _ database: Connection, _ verify: ReleaseCheck) throws {
        self.folders = folders
        self.database = database
        let kept = try Self.keptReleases(folders, verify)
        releases = kept
        let identifiers = Set(kept.map(\.document.chunkProfile)).sorted()
        let used = identifiers.compactMap { ChunkProfile(identifier: $0) }
        profiles = used.isEmpty ? [.standard] : used
        algorithms = Set(kept.flatMap(\.furtherDigests)).sorted { $0.rawValue < $1.rawValue }
    }

    private static func keptReleases(_ folders: StoreFolders, _ verify: ReleaseCheck) throws -> [KeptRelease] {
        var kept: [KeptRelease] = []
        for set in try folders.releaseFiles.sets() {
            for sequence in try folders.releaseFiles.sequences(of: set) {
                guard let content = try folders.releaseFiles.read(set: set, sequence: sequence),
                    let release = try? verify(content.document, set, sequence),
                    try folders.releases.stat("\(set)/\(sequence)")?.type == .directory
                else { continue }
                kept.append(
                    KeptRelease(
                        set: set, document: release.document, bytes: release.bytes, digest: release.digest,
                        furtherDigests: content.furtherDigests))
            }
        }
        return kept
    }

    // MARK: Blobs

    /// Enters every blob whose bytes are right; moves the others to quarantine.
    mutating func enterBlobs(_ tell: (RebuildProgress) -> Void) throws {
        var progress = RebuildProgress()
        for folder in folders.blobs.all { progress.totalFiles += UInt64(try folder.listing().count) }
        let reading = BlobReading(
            blobs: folders.blobs, cutters: profiles.map { FastCDC(profile: $0) }, algorithms: algorithms)
        for folder in folders.blobs.all {
            // Other names are none of ours: they stay where they are.
            let variants = try folder.list().compactMap { BlobVariant(name: $0.name) }
            for start in stride(from: 0, to: variants.count, by: Self.batchCount) {
                let part = Array(variants[start..<min(start + Self.batchCount, variants.count)])
                let read = try reading.readAll(part)
                try enter(read.filter { $0.fault == nil })
                for blob in read where blob.fault != nil { try quarantine(blob) }
                progress.files += UInt64(part.count)
                progress.bytes += read.reduce(0) { $0 + $1.size }
                tell(progress)
            }
        }
    }

    private mutating func enter(_ read: [RebuiltBlob]) throws {
        try database.withTransaction { session in
            for blob in read {
                for list in blob.lists {
                    guard let bytes = list?.encode() else { continue }
                    try session.insert(.chunkList, ChunkList.digest(of: bytes).raw, bytes)
                }
                let lists = blob.lists.map { list in list.map { ChunkList.digest(of: $0.encode()) } }
                let number = try session.record(blob.variant, size: blob.size, list: lists.first ?? nil).number
                byInode[blob.inode] = Int32(blobs.count)
                blobs.append(
                    KnownBlob(number: number, digest: blob.variant.digest, lists: lists, further: blob.further))
                outcome.files += 1
                outcome.bytes += blob.size
            }
        }
    }

    private mutating func quarantine(_ blob: RebuiltBlob) throws {
        let name = blob.variant.name
        var number = 0
        while try folders.quarantine.stat(name + Array("-\(number)".utf8)) != nil { number += 1 }
        try folders.blobs.folder(blob.variant.digest).rename(
            name, in: folders.quarantine, to: name + Array("-\(number)".utf8))
        outcome.bad.append(String(decoding: name, as: UTF8.self))
    }

    // MARK: Releases

    /// Enters every release that has its file and its tree, and the heads: what the links show.
    mutating func enterReleases() throws {
        var served: [String: UInt64] = [:]
        for entry in try folders.releases.list() where entry.type == .directory {
            let set = String(decoding: entry.name, as: UTF8.self)
            guard PlainName.accepts(set) else { continue }
            served[set] = try folders.linkedSequence(set)
        }
        for release in releases {
            let isServed = served[release.set] == release.document.sequence
            let (fault, bad) = try enterTree(release)
            if fault == nil || isServed { try enter(release, isServed: isServed, isDamaged: fault != nil, bad) }
            outcome.releases.append(
                RebuildOutcome.Release(
                    set: release.set, sequence: release.document.sequence, fault: fault, isServed: isServed))
        }
        outcome.unknownSets = served.keys.filter { set in
            !outcome.releases.contains { $0.set == set && $0.isServed }
        }.sorted()
        outcome.bad.sort()
        for release in releases { try enterChangeset(release) }
    }

    /// Makes the manifest of a served tree again, and compares its root with the one that was signed. Nodes are entered
    /// in any case: each is whole by itself, and most are those of the release. What is no good file of the store is
    /// taken out of the tree, as `verify` does.
    private func enterTree(_ release: KeptRelease) throws -> (fault: String?, bad: [SourceItem]) {
        let profile = profiles.firstIndex { $0.identifier == release.document.chunkProfile }
        guard let profile else {
            return ("chunk profile \(release.document.chunkProfile) is not known to this program", [])
        }
        let nodes = NodeRows(database)
        var builder = ManifestBuilder { digest, bytes in try nodes.add(digest, bytes) }
        var attachments: [(blob: Int64, list: ChunkListDigest)] = []
        var bad: [SourceItem] = []
        let root: ManifestRoot
        do {
            let tree = try folders.releases.subfolder("\(release.set)/\(release.document.sequence)")
            try SourceWalk(top: tree).run { item in
                guard let (entry, blob) = try entry(item, release, profile) else {
                    bad.append(item)
                    return
                }
                try builder.append(entry)
                if profile > 0, let blob, let list = entry.chunkList, blob.lists[0] != list {
                    attachments.append((blob.number, list))
                }
            }
            root = try builder.finish()
            try nodes.settle()
        } catch let error as StoreError {
            try nodes.settle()
            return (error.message, bad)
        }
        try takeOut(bad)
        try database.withTransaction { session in
            for (blob, list) in attachments {
                try session.run(
                    "INSERT OR IGNORE INTO attachment (blob, list) VALUES (?, ?)",
                    [.integer(blob), .digest(list.raw)])
            }
        }
        if let first = bad.first {
            return ("\(bad.count) files are no good files of the store, the first is \(first.path)", bad)
        }
        return (root == release.document.manifest ? nil : "its tree is not what was signed", [])
    }

    private func takeOut(_ items: [SourceItem]) throws {
        for item in items {
            let modified = try item.folder.attributes().modified
            try item.folder.unlink(item.name)
            try item.folder.setModified(modified)
        }
    }

    private func entry(
        _ item: SourceItem, _ release: KeptRelease, _ profile: Int
    ) throws -> (ManifestEntry, KnownBlob?)? {
        let modified = item.attributes.modified.seconds
        switch item.attributes.type {
        case .directory: return (try ManifestEntry(path: item.path, type: .directory, modified: modified), nil)
        case .symlink:
            let target = try item.folder.readLink(item.name)
            let entry = try ManifestEntry(
                path: item.path, type: .symlink, modified: modified, linkTarget: target)
            return (entry, nil)
        default:
            guard let index = byInode[item.attributes.inode] else { return nil }
            let blob = blobs[Int(index)]
            let further = zip(algorithms, blob.further).filter { release.furtherDigests.contains($0.0) }.map(\.1)
            let entry = try ManifestEntry(
                path: item.path, type: .file, isExecutable: item.attributes.isExecutable, modified: modified,
                size: item.attributes.size, blob: blob.digest, chunkList: blob.lists[profile], furtherDigests: further)
            return (entry, blob)
        }
    }

    /// The row of a release; a served one becomes the head. A damaged one is looked at as a whole by the next sync.
    private func enter(
        _ release: KeptRelease, isServed: Bool, isDamaged: Bool, _ bad: [SourceItem]
    ) throws {
        let document = release.document
        try database.withTransaction { session in
            let set = try session.ensureContentSet(release.set)
            try session.run(
                "INSERT OR REPLACE INTO release (set_number, sequence, digest, root, document) VALUES (?, ?, ?, ?, ?)",
                [
                    .integer(set.number), .unsigned(document.sequence), .digest(release.digest.raw),
                    .digest(document.manifest.digest.raw), .blob(release.bytes),
                ])
            guard isServed else { return }
            let verifiedAt: Value = isDamaged ? .null : .integer(Int64(time(nil)))
            try session.run(
                "UPDATE content_set SET head = ?, damaged = ?, verified_at = ? WHERE number = ?",
                [.unsigned(document.sequence), .flag(isDamaged), verifiedAt, .integer(set.number)])
            for item in bad {
                try session.run(
                    """
                    INSERT OR IGNORE INTO bad_path (set_number, sequence, path, blob, reason, bytes, found_at)
                    VALUES (?, ?, ?, NULL, 'was no good file of the store', ?, ?)
                    """,
                    [
                        .integer(set.number), .unsigned(document.sequence), .blob(item.path.bytes),
                        .unsigned(item.attributes.size), .integer(Int64(time(nil))),
                    ])
            }
        }
    }

    /// The changeset that a release names, made again where the release before it is held too: spares mirrors a walk.
    private func enterChangeset(_ release: KeptRelease) throws {
        guard let wanted = release.document.changeset,
            let before = releases.last(where: {
                $0.set == release.set && $0.document.sequence < release.document.sequence
            }), release.document.previous == before.digest
        else { return }
        let bytes: [UInt8]
        do {
            bytes = try Changeset.between(before.document.manifest.digest, release.document.manifest.digest) { node in
                try database.read { try $0.value(.node, node.raw) }
            }.encode()
        } catch is ManifestError {
            // One of the two is not whole.
            return
        }
        guard Changeset.digest(of: bytes) == wanted.digest else { return }
        try database.withTransaction { try $0.insert(.changeset, wanted.digest.raw, bytes) }
    }
}

/// Writes manifest nodes in transactions of some thousand.
private final class NodeRows {
    private static let limit = 4096
    private let database: Connection
    private var waiting: [(NodeDigest, [UInt8])] = []

    init(_ database: Connection) { self.database = database }

    func add(_ digest: NodeDigest, _ bytes: [UInt8]) throws {
        waiting.append((digest, bytes))
        if waiting.count >= Self.limit { try settle() }
    }

    func settle() throws {
        guard !waiting.isEmpty else { return }
        try database.withTransaction { session in
            for (digest, bytes) in waiting { try session.insert(.node, digest.raw, bytes) }
        }
        waiting.removeAll(keepingCapacity: true)
    }
}
