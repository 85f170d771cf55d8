import Content
import Database
import LinuxIO

/// The folder of one set in `.releases` and what is recorded of the trees in it, at one moment, under the set's tree
/// lock: which are kept, which are spent, which is the spare.
struct SetTrees {
    let store: Store
    let set: Int64
    let name: String
    let folder: Folder
    /// The sequences of all whole trees, ascending.
    let sequences: [UInt64]
    /// The spares, newest first: mostly one or none.
    let spares: [UInt64]
    /// Names of trees that are neither: half made or half removed.
    let garbage: [[UInt8]]
    let records: [String: TreeRecord]

    init(_ store: Store, set: Int64, name: String) throws {
        self.store = store
        self.set = set
        self.name = name
        folder = try store.releases.ensureFolder(name, mode: 0o755)
        var sequences: [UInt64] = []
        var spares: [UInt64] = []
        var garbage: [[UInt8]] = []
        for entry in try folder.list() {
            let text = String(decoding: entry.name, as: UTF8.self)
            if let sequence = UInt64(text), "\(sequence)" == text {
                sequences.append(sequence)
            } else if let sequence = StoreLayout.spare(text) {
                spares.append(sequence)
            } else {
                garbage.append(entry.name)
            }
        }
        self.sequences = sequences.sorted()
        self.spares = spares.sorted(by: >)
        self.garbage = garbage
        records = try store.database.read { try $0.trees(set) }
    }

    /// The trees beyond the newest `keepReleases` (of them and `next`, if it is given) that are not served and went out
    /// of service `linger` ago or longer: nobody may be in them any more. Ascending.
    func spent(_ policy: TreePolicy, next: UInt64? = nil) throws -> [UInt64] {
        var all = sequences
        if let next, !all.contains(next) { all.append(next) }
        let linked = try store.linkedSequence(name)
        return all.sorted().dropLast(policy.keepReleases).filter { sequence in
            sequence != linked && sequence != next && hasLingered(sequence, policy)
        }
    }

    /// Whether the tree that the release after the head puts out of the kept ones could be edited at once.
    func hasNext(_ policy: TreePolicy) throws -> Bool {
        let kept = sequences.suffix(policy.keepReleases)
        guard kept.count == policy.keepReleases, let oldest = kept.first else { return false }
        return try oldest != store.linkedSequence(name) && isSound("\(oldest)") && hasLingered(oldest, policy)
    }

    /// Whether the tree called `name` may be made another one by edits.
    func isSound(_ name: String) -> Bool { records[name]?.isSound ?? false }

    private func hasLingered(_ sequence: UInt64, _ policy: TreePolicy) -> Bool {
        store.bootClock.outOfService(records["\(sequence)"]) >= policy.lingerSeconds * 1000
    }

    /// Gives a tree a name that says it is rubbish: from then on only its removal touches it.
    func discard(_ name: [UInt8]) throws {
        var number = 0
        while true {
            let suffix = number == 0 ? "" : "-\(number)"
            let removing = name + Array("\(suffix)\(StoreLayout.removingSuffix)".utf8)
            do {
                try folder.rename(name, to: removing, .noReplace)
                return
            } catch {
                // One plain clause: the compiler (6.3.1) crashes on several conditional ones of a typed error.
                if error.isNotFound { return }
                guard error.isAlreadyThere else { throw error }
                number += 1
            }
        }
    }
}
