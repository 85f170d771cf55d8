package import Content
package import LinuxIO
package import Trust

/// Why the store refused or could not do something. Each description tells the operator what was wrong, where, and
/// what to do.
package enum StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another process has the data directory open.
    case locked(data: String, holder: Int32?)
    /// Made by a newer program, or not a store at all.
    case unknownFormat(data: String, found: String)
    /// The file system cannot hard-link or rename within `data`.
    case cannotLink(data: String, FileError)
    /// Blobs and no database that says which they are.
    case databaseLost(data: String, place: String)
    /// SQLite refuses the database's file.
    case databaseDamaged(data: String, place: String, reason: String)
    /// There is no store to rebuild.
    case noStore(data: String)
    /// A set name that cannot be a folder's name.
    case invalidSetName(String)
    /// A publish or fetch of this set is running.
    case busy(set: String)
    /// The session was abandoned, has finished, or has failed before.
    case sessionEnded(set: String)
    /// A step of a session was called before what it needs was complete.
    case tooEarly(set: String, step: String)
    /// The source of a publish is not a directory.
    case notADirectory(String)
    /// What is to be linked lies on another file system or mount than the store.
    case otherFileSystem(shownPath: String)
    /// A set that is to be adopted has a head already.
    case alreadyServed(set: String, sequence: UInt64)
    /// A folder that nobody adopted stands where the set's link is to be.
    case pathTaken(data: String, set: String)
    /// The file system cannot exchange two names.
    case cannotSwap(data: String, set: String)
    /// A device node, socket or fifo in the source tree.
    case unsupportedFile(path: RelativePath, FileType)
    /// A name in the source tree that cannot be in a release.
    case invalidName(shownPath: String, PathError)
    /// A symlink that leaves the set, or another breach of the rules for trees.
    case refusedEntry(shownPath: String, reason: String)
    /// The file was written to, replaced or removed while it was read.
    case changedWhileRead(path: RelativePath)
    /// The signed release is not the one that the draft was made for.
    case releaseDoesNotMatchDraft(set: String, field: String)
    /// A release below the head, or another one with the head's sequence.
    case staleRelease(set: String, sequence: UInt64, head: UInt64)
    /// Bytes supplied for a node that do not have its digest.
    case wrongNode(NodeDigest, reason: String)
    /// Bytes supplied for a changeset that do not have its digest.
    case wrongChangeset(ChangesetDigest)
    /// Bytes supplied for a chunk list that do not have its digest, or do not fit their blob.
    case wrongChunkList(ChunkListDigest, reason: String)
    /// All chunks are right by themselves, but together they are not the blob that the manifest names.
    case wrongBlob(BlobDigest, path: RelativePath)
    /// A manifest that the rules refuse, although it is signed.
    case invalidManifest(root: NodeDigest, reason: String)
    /// Chunks that were not supplied yet.
    case missingChunks(set: String, count: Int)
    /// A node of the manifest is not in the store: the release is not complete.
    case missingNode(set: String, sequence: UInt64, NodeDigest)
    /// A chunk list is not in the store: the release is not complete.
    case missingChunkList(set: String, sequence: UInt64, ChunkListDigest, path: RelativePath)
    /// A blob is not in the store, or not as it should be: the release is not complete.
    case missingBlob(set: String, sequence: UInt64, BlobDigest, path: RelativePath, reason: String)
    /// A release that takes away more than this host allows, and its publisher did not say that it may.
    case removesTooMuch(set: String, sequence: UInt64, head: UInt64, RemovalExcess)
    /// An older release that is not held completely any more.
    case cannotRollBack(set: String, sequence: UInt64, reason: String)
    /// What was to be read is not in the store.
    case notFound(String)
    /// What a session needs does not fit on the disk, or would leave less than the reserve. Bytes.
    case shortOfDisk(set: String, needed: UInt64, free: UInt64, reserve: UInt64)
    /// What a session needs has more files than the file system has room for.
    case shortOfInodes(set: String, needed: UInt64, free: UInt64)
    /// A collection is running already.
    case collecting
    /// A manifest that stays cannot be read, so nobody knows what it needs.
    case cannotCollect(set: String, root: NodeDigest, reason: String)
    /// A row of the database that this program cannot have written.
    case damagedRecord(table: String, reason: String)

    package var description: String { message + (remedy.map { "; \($0)" } ?? "") }

    /// What was wrong, and where.
    package var message: String {
        switch self {
        case .locked(let data, let holder):
            "\(Self.shown(data)) is in use by another agent\(holder.map { " (process \($0))" } ?? "")"
        case .unknownFormat(let data, let found):
            "\(Self.shown(data))/.store/format says \"\(Self.shown(found))\", and this program knows "
                + "\"\(StoreLayout.formatLine)\""
        case .cannotLink(let data, let error): "\(Self.shown(data)) cannot hold a store: \(error)"
        case .databaseLost(let data, let place):
            "\(Self.shown(place))/\(StoreLayout.databaseFile) is gone, and \(Self.shown(data)) has blobs"
        case .databaseDamaged(_, let place, let reason):
            "\(Self.shown(place))/\(StoreLayout.databaseFile) is damaged (\(Self.shown(reason)))"
        case .noStore(let data): "\(Self.shown(data)) holds no store"
        case .invalidSetName(let name): "\"\(Self.shown(name))\" cannot be the name of a content set"
        case .busy(let set): "a publish or sync of \(set) is running"
        case .sessionEnded(let set): "this session of \(set) has ended"
        case .tooEarly(let set, let step): "\(step) of \(set) came before what it needs was there"
        case .notADirectory(let path): "\(Self.shown(path)) is not a directory"
        case .otherFileSystem(let path):
            "\(Self.shown(path)) lies on another file system or mount than the store: hard links do not cross those"
        case .alreadyServed(let set, let sequence): "\(set) is served from the store already, release \(sequence)"
        case .pathTaken(let data, let set):
            "\(Self.shown(data))/\(set) is a folder that was not adopted, and stands where the link to the served tree goes"
        case .cannotSwap(let data, let set):
            "the file system of \(Self.shown(data)) cannot exchange two names, so \(set) cannot take its folder's place"
        case .unsupportedFile(let path, let type): "\(path) is a \(Self.name(type)), which a release cannot hold"
        case .invalidName(let path, let error): "\(path) cannot be in a release: \(error)"
        case .refusedEntry(let path, let reason): "\(path) cannot be in a release: \(reason)"
        case .changedWhileRead(let path): "\(path) changed while it was read"
        case .releaseDoesNotMatchDraft(let set, let field):
            "the signed release of \(set) does not say what was ingested (\(field))"
        case .staleRelease(let set, let sequence, let head):
            "release \(sequence) of \(set) is refused: this store holds \(head) already"
        case .wrongNode(let digest, let reason): "wrong bytes for manifest node \(digest): \(reason)"
        case .wrongChangeset(let digest): "wrong bytes for changeset \(digest)"
        case .wrongChunkList(let digest, let reason): "wrong bytes for chunk list \(digest): \(reason)"
        case .wrongBlob(let digest, let path): "the chunks listed for \(path) do not make its blob \(digest)"
        case .invalidManifest(let root, let reason): "manifest \(root) is refused: \(reason)"
        case .missingChunks(let set, let count): "\(count) chunks of \(set) were not fetched yet"
        case .missingNode(let set, let sequence, let digest):
            "release \(sequence) of \(set) is not complete: manifest node \(digest) is not in the store"
        case .missingChunkList(let set, let sequence, let digest, let path):
            "release \(sequence) of \(set) is not complete: chunk list \(digest) of \(path) is not in the store"
        case .missingBlob(let set, let sequence, let digest, let path, let reason):
            "release \(sequence) of \(set) is not complete: blob \(digest) of \(path) \(reason)"
        case .removesTooMuch(let set, let sequence, let head, let excess):
            "release \(sequence) of \(set) is refused: against \(head), which is served, it \(excess)"
        case .cannotRollBack(let set, let sequence, let reason):
            "\(set) cannot go back to release \(sequence): \(reason)"
        case .notFound(let what): "\(what) is not in this store"
        case .shortOfDisk(let set, let needed, let free, let reserve):
            "no room for \(set): \(needed) bytes more are needed, \(free) are free, \(reserve) of those are the reserve;"
                + " \(Self.shortage(needed, free, reserve)) bytes short"
        case .shortOfInodes(let set, let needed, let free):
            "no room for \(set): \(needed) inodes more are needed, \(free) are free; \(needed - min(needed, free)) short"
        case .collecting: "a collection is running already"
        case .cannotCollect(let set, let root, let reason):
            "nothing was collected: the manifest \(root) of \(set) cannot be read: \(reason)"
        case .damagedRecord(let table, let reason):
            "the store's database has a row in `\(table)` that cannot be: \(reason)"
        }
    }

    /// What the operator can do; nil where the message says it all.
    package var remedy: String? {
        switch self {
        case .locked: "stop it first"
        case .unknownFormat: "use the program that wrote it, or a newer one"
        case .cannotLink: "a store needs one file system and one mount that knows hard links"
        case .databaseLost, .databaseDamaged:
            "put it back if it lies elsewhere (`state:` in agent.yaml), else run `fleet-agent rebuild`"
        case .noStore: "look at `data:` in agent.yaml"
        case .invalidSetName: "use \(PlainName.rule)"
        case .busy: "try again when it has ended"
        case .sessionEnded, .tooEarly, .wrongNode, .wrongChangeset, .wrongChunkList, .notFound, .missingChunks: nil
        case .notADirectory: "give the top of the tree to publish"
        case .otherFileSystem:
            "bring it and the data directory below one mount; an agent whose unit has only its data directory writable"
                + " must be stopped while a tree elsewhere is adopted; to publish from there use `ingest: copy`"
        case .alreadyServed: "nothing is left to adopt: a sync fetches what differs, and no chunk that is here"
        case .pathTaken(_, let set): "take it in with `fleet-agent adopt \(set) DIR`, or move it away; then sync"
        case .cannotSwap: "move the folder away when nobody reads it, then sync: what was adopted stays"
        case .unsupportedFile: "remove it from the tree"
        case .invalidName: "rename it"
        case .refusedEntry: "change it, or allow links that leave the set (`allow_escaping_links`) if it is one"
        case .changedWhileRead: "publish again when nothing writes to the tree"
        case .releaseDoesNotMatchDraft: "publish again"
        case .staleRelease: "a rollback is a new release with the old content"
        case .wrongBlob, .invalidManifest: "the release itself is wrong: publish anew"
        case .missingNode, .missingChunkList, .missingBlob: "sync again: what is missing is fetched"
        case .removesTooMuch:
            "if that is meant, publish it with --confirm-delete, or raise the limit in this host's agent.yaml (`trust:`)"
        case .cannotRollBack: "choose a newer release, or publish the old tree again"
        case .damagedRecord: "run `fleetctl verify`, then sync"
        case .shortOfDisk, .shortOfInodes:
            "free space on its file system, or keep fewer releases (`keep_releases`) and run `fleetctl collect`"
        case .collecting: "try again when it has ended"
        case .cannotCollect: "run `fleetctl verify`, then sync, and collect again"
        }
    }

    /// Another session or process is in the way: try again later.
    package var isBusy: Bool {
        switch self {
        case .busy, .locked, .collecting: true
        default: false
        }
    }

    /// A rule forbids it: trying again changes nothing.
    package var isRefusal: Bool {
        switch self {
        case .unknownFormat, .invalidSetName, .unsupportedFile, .invalidName, .refusedEntry, .staleRelease,
            .releaseDoesNotMatchDraft, .invalidManifest, .cannotRollBack, .removesTooMuch, .otherFileSystem,
            .alreadyServed:
            true
        default: false
        }
    }

    /// The release can never be served as it is, whoever is asked for it.
    package var isFinal: Bool {
        switch self {
        case .invalidManifest, .wrongBlob, .staleRelease, .invalidSetName, .removesTooMuch: true
        default: false
        }
    }

    private static func shortage(_ needed: UInt64, _ free: UInt64, _ reserve: UInt64) -> UInt64 {
        let (all, overflow) = needed.addingReportingOverflow(reserve)
        return overflow ? .max : all - min(all, free)
    }

    private static func shown(_ text: String) -> String { TerminalText.escape(Array(text.utf8)) }

    private static func name(_ type: FileType) -> String {
        switch type {
        case .unknown: "thing of unknown type"
        case .regular: "file"
        case .directory: "directory"
        case .symlink: "symbolic link"
        case .blockDevice: "block device"
        case .characterDevice: "character device"
        case .fifo: "fifo"
        case .socket: "socket"
        }
    }
}
