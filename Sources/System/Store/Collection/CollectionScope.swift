import Content
import Database
import LinuxIO
import Retention
import Trust

/// What one pass of a collection keeps, and up to where it looks: read in one go when the pass begins.
struct CollectionScope {
    /// A release whose content goes.
    struct Retired {
        let set: Int64
        let sequence: UInt64
        let root: NodeDigest
    }

    /// Roots whose content stays, with the set that each belongs to.
    var kept: [NodeDigest: Int64] = [:]
    /// Roots of fetches that were interrupted: what they need may be here under another time or mode.
    var unfinished: Set<NodeDigest> = []
    var retired: [Retired] = []
    /// Names of sets by number, for messages.
    var names: [Int64: String] = [:]
    /// The highest numbers when the pass began: what is stored later lies above, and is not looked at.
    var lastBlob: Int64 = 0
    var lastVariant: Int64 = 0
    var lastNode: Int64 = 0
    var lastList: Int64 = 0
    var lastChangeset: Int64 = 0

    init(_ store: Store, keepsOnlyServed: Bool) throws {
        try store.database.read { session in
            for set in try session.headsBySet() {
                names[set.number] = set.name
                try add(set.name, set.number, head: set.head, store, session, keepsOnlyServed)
            }
            func last(_ table: String, _ column: String = "rowid") throws -> Int64 {
                try session.first("SELECT COALESCE(MAX(\(column)), 0) FROM \(table)") { try $0.integer(0) } ?? 0
            }
            lastBlob = try last("blob", "number")
            lastVariant = try last("variant", "number")
            lastNode = try last("node")
            lastList = try last("chunk_list")
            lastChangeset = try last("changeset")
            if let before = try session.lastBeforeAdoptions() {
                lastBlob = min(lastBlob, before.blob)
                lastVariant = min(lastVariant, before.variant)
                lastList = min(lastList, before.list)
            }
        }
    }

    private mutating func add(
        _ name: String, _ number: Int64, head: UInt64?, _ store: Store, _ session: Session, _ keepsOnlyServed: Bool
    ) throws {
        let releases = try session.releases(of: number)
        let trees = try store.releases.subfolderIfPresent(name)?.list().compactMap { entry in
            UInt64(String(decoding: entry.name, as: UTF8.self))
        }
        let state = ReleaseRetention.SetState(
            held: releases.map(\.sequence), head: head, served: try store.linkedSequence(name), trees: trees ?? [],
            kept: keepsOnlyServed ? 1 : try session.keptReleases(of: number))
        let kept = Set(ReleaseRetention.kept(state))
        for release in releases {
            if kept.contains(release.sequence) {
                self.kept[release.root] = number
            } else {
                retired.append(Retired(set: number, sequence: release.sequence, root: release.root))
            }
        }
        if let fetch = try session.unfinishedFetch(of: number), fetch.sequence > head ?? 0 {
            self.kept[fetch.root] = number
            unfinished.insert(fetch.root)
        }
    }
}

extension Session {
    /// All held releases of a set, ascending.
    func releases(of set: Int64) throws -> [ReleaseRecord] {
        try rows(
            "SELECT sequence, digest, root FROM release WHERE set_number = ? ORDER BY sequence", [.integer(set)]
        ) { row in
            ReleaseRecord(
                sequence: try row.unsigned(0), digest: ReleaseDigest(try row.digest(1, "release")),
                root: NodeDigest(try row.digest(2, "release")))
        }
    }

    /// How many releases of a set keep their content.
    func keptReleases(of set: Int64) throws -> Int {
        let kept = try first("SELECT kept_releases FROM content_set WHERE number = ?", [.integer(set)]) {
            try $0.integer(0)
        }
        return Int(clamping: kept ?? Int64(Store.defaultKeptReleases))
    }

    /// A fetch whose manifest is complete, and which has not finished.
    struct UnfinishedFetch {
        let sequence: UInt64
        let root: NodeDigest
        let changeset: ChangesetDigest?
    }

    /// The fetch of a set that is not finished; nil if there is none.
    func unfinishedFetch(of set: Int64) throws -> UnfinishedFetch? {
        try first(
            "SELECT sequence, root, changeset FROM unfinished_fetch WHERE set_number = ?", [.integer(set)]
        ) { row in
            UnfinishedFetch(
                sequence: try row.unsigned(0), root: NodeDigest(try row.digest(1, "unfinished_fetch")),
                changeset: try row.optionalDigest(2, "unfinished_fetch").map { ChangesetDigest($0) })
        }
    }

    /// Notes what a fetch needs, so that what it has stored outlives a restart.
    func noteUnfinishedFetch(_ fetch: UnfinishedFetch, of set: Int64) throws {
        try run(
            "INSERT OR REPLACE INTO unfinished_fetch (set_number, sequence, root, changeset) VALUES (?, ?, ?, ?)",
            [.integer(set), .unsigned(fetch.sequence), .digest(fetch.root.raw), .digest(fetch.changeset?.raw)])
    }

    /// A fetch has finished, or was given up.
    func forgetUnfinishedFetch(of set: Int64) throws {
        try run("DELETE FROM unfinished_fetch WHERE set_number = ?", [.integer(set)])
    }
}
