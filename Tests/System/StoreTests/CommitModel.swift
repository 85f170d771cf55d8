import Exploration
import Store

/// A disk, a database and one session that brings release 2 of a set to a store that serves release 1; at any point the
/// process may be killed or the power cut.
///
/// The steps and their order are those of the store (`CommitOrder`), the effects are written out here. A write that was
/// not synced may or may not survive a power cut, each by itself: no file system promises more.
struct CommitModel: ExploredModel {
    var group = CommitOrder.group
    /// A step left out, to see that its absence is found.
    var omitted: CommitStep?
    /// Two steps that change places.
    var swapped: (CommitStep, CommitStep)?
    var killLimit = 2
    var cutLimit = 2

    enum Place: Hashable { case absent, staged, named }

    /// What lies on the disk.
    struct Files: Hashable {
        var blob = Place.absent
        /// The blob's bytes are all there and right.
        var blobIsWhole = false
        /// The session's journal has the blob's name.
        var isNoted = false
        var tree = Place.absent
        var treeIsWhole = false
        var hasReleaseFile = false
        /// What the set's link shows.
        var link = 1
        var hasOldTree = true
        /// The time of an inode that both releases show, with the same bytes and another time in release 2.
        var timeIsNew = false
        /// That inode has the name that says the new time.
        var hasNewName = false
        /// The chunk index offers the blob's chunks.
        var isIndexed = false

        static let fields = 11

        /// This state with the fields in `mask` as in `other`.
        func taking(_ mask: Int, from other: Files) -> Files {
            var mixed = self
            if mask & 1 != 0 { mixed.blob = other.blob }
            if mask & 2 != 0 { mixed.blobIsWhole = other.blobIsWhole }
            if mask & 4 != 0 { mixed.isNoted = other.isNoted }
            if mask & 8 != 0 { mixed.tree = other.tree }
            if mask & 16 != 0 { mixed.treeIsWhole = other.treeIsWhole }
            if mask & 32 != 0 { mixed.hasReleaseFile = other.hasReleaseFile }
            if mask & 64 != 0 { mixed.link = other.link }
            if mask & 128 != 0 { mixed.hasOldTree = other.hasOldTree }
            if mask & 256 != 0 { mixed.isIndexed = other.isIndexed }
            if mask & 512 != 0 { mixed.timeIsNew = other.timeIsNew }
            if mask & 1024 != 0 { mixed.hasNewName = other.hasNewName }
            return mixed
        }
    }

    enum Activity: Hashable {
        case down, ready
        case group(next: Int)
        case release(next: Int, hasTree: Bool, changesTimes: Bool)
    }

    struct State: Hashable {
        /// As processes see it, and as it is after a power cut if nothing else happens.
        var live = Files()
        var durable = Files()
        // The database: durable and atomic by itself.
        var hasRow = false
        var isHeld = false
        /// The change of the time is noted, and decided: the inode's row says the new time.
        var isTimeNoted = false
        var isTimeDecided = false
        var head = 1
        /// The mark says that the index has the blob durably.
        var isMarked = false
        /// What `syncIndex` found, for the transaction of `holdRelease`.
        var markToWrite = false
        var activity = Activity.ready
        var isAcknowledged = false
        var kills = 0
        var cuts = 0
    }

    enum Step: CustomStringConvertible {
        case begin
        case perform(CommitStep)
        case kill
        /// The fields in the mask were written in time.
        case cut(Int)
        case start

        var description: String {
            switch self {
            case .begin: "the session begins"
            case .perform(let step): "\(step)"
            case .kill: "kill -9"
            case .cut(let mask): "power cut; written in time: \(String(mask, radix: 2))"
            case .start: "the agent starts"
            }
        }
    }

    var start: State { State() }

    private func order(hasTree: Bool, changesTimes: Bool) -> [CommitStep] {
        changed(
            CommitOrder.hold
                + CommitOrder.activation(hasTree: hasTree, isDamaged: false, changesTimes: changesTimes)
                + CommitOrder.tending)
    }

    private func changed(_ steps: [CommitStep]) -> [CommitStep] {
        var steps = steps.filter { $0 != omitted }
        if let swapped, let first = steps.firstIndex(of: swapped.0), let second = steps.firstIndex(of: swapped.1) {
            steps.swapAt(first, second)
        }
        return steps
    }

    func steps(in state: State) -> [Step] {
        if state.activity == .down { return [.start] }
        var steps: [Step] = []
        switch state.activity {
        case .down: break
        case .ready: if state.head == 1 { steps.append(.begin) }
        case .group(let next): steps.append(.perform(changed(group)[next]))
        case .release(let next, let hasTree, let changesTimes):
            steps.append(.perform(order(hasTree: hasTree, changesTimes: changesTimes)[next]))
        }
        if state.kills < killLimit { steps.append(.kill) }
        if state.cuts < cutLimit {
            // Only what differs can go either way.
            var outcomes: [Files: Int] = [:]
            for mask in 0..<(1 << Files.fields) where outcomes[state.durable.taking(mask, from: state.live)] == nil {
                outcomes[state.durable.taking(mask, from: state.live)] = mask
            }
            steps += outcomes.values.sorted().map { .cut($0) }
        }
        return steps
    }

    func after(_ step: Step, in state: State) -> State {
        var after = state
        switch step {
        case .begin: begin(&after)
        case .perform(let step):
            perform(step, &after)
            advance(&after)
        case .kill:
            after.kills += 1
            after.activity = .down
        case .cut(let mask):
            after.cuts += 1
            after.live = state.durable.taking(mask, from: state.live)
            after.durable = after.live
            after.activity = .down
        case .start: recover(&after)
        }
        return after
    }

    private func begin(_ state: inout State) {
        guard !state.hasRow else {
            beginRelease(&state)
            return
        }
        // Staged parts are hashed again, and what is wrong or missing is fetched.
        state.live.blob = .staged
        state.live.blobIsWhole = true
        state.activity = .group(next: 0)
    }

    /// An inode whose row says the new time needs no change.
    private func beginRelease(_ state: inout State) {
        state.activity = .release(
            next: 0, hasTree: state.live.tree == .named, changesTimes: !state.isTimeDecided)
    }

    private func advance(_ state: inout State) {
        switch state.activity {
        case .group(let next):
            if next + 1 == changed(group).count {
                beginRelease(&state)
            } else {
                state.activity = .group(next: next + 1)
            }
        case .release(let next, let hasTree, let changesTimes):
            let isDone = next + 1 == order(hasTree: hasTree, changesTimes: changesTimes).count
            state.activity =
                isDone ? .ready : .release(next: next + 1, hasTree: hasTree, changesTimes: changesTimes)
        case .down, .ready: break
        }
    }

    private func perform(_ step: CommitStep, _ state: inout State) {
        switch step {
        case .noteNames: state.live.isNoted = true
        case .moveBlobs: state.live.blob = .named
        case .syncBlobs, .syncTree, .syncRepairs, .syncTimes: state.durable = state.live
        case .recordBlobs: state.hasRow = true
        case .forgetNames: state.live.isNoted = false
        case .tellIndex: state.live.isIndexed = true
        case .makeVariants, .proveClosure: break
        case .noteTimes:
            guard !state.isTimeDecided else { break }
            state.isTimeNoted = true
            state.live.hasNewName = true
        case .changeTimes:
            state.isTimeDecided = true
            state.live.timeIsNew = true
        case .syncIndex:
            state.durable.isIndexed = state.live.isIndexed
            state.markToWrite = state.live.isIndexed
        case .keepRelease:
            state.live.hasReleaseFile = true
            state.durable.hasReleaseFile = true
        case .holdRelease:
            state.isHeld = true
            state.isMarked = state.markToWrite
        case .linkTree:
            state.live.tree = .staged
            state.live.treeIsWhole = true
        case .nameTree: state.live.tree = .named
        case .syncTreeName:
            state.durable.tree = state.live.tree
            state.durable.hasOldTree = state.live.hasOldTree
        case .repairTrees: state.live.treeIsWhole = true
        case .renameLink: state.live.link = 2
        case .syncLink: state.durable.link = state.live.link
        case .recordHead:
            state.head = 2
            state.isAcknowledged = true
            state.isTimeNoted = false
        case .removeTrees: state.live.hasOldTree = false
        }
    }

    /// What a start does; each of its writes may be done again.
    private func recover(_ state: inout State) {
        if state.live.isNoted, state.live.blob == .named, !state.hasRow { state.live.blob = .staged }
        state.live.isNoted = false
        if state.live.tree == .staged {
            state.live.tree = .absent
            state.live.treeIsWhole = false
        }
        if state.isTimeNoted {
            if state.isTimeDecided { state.live.timeIsNew = true } else { state.live.hasNewName = false }
            state.durable.timeIsNew = state.live.timeIsNew
            state.durable.hasNewName = state.live.hasNewName
            state.isTimeNoted = false
        }
        let isHeld = state.live.link == 1 || state.isHeld
        if CommitOrder.recordsFlip(linked: UInt64(state.live.link), head: UInt64(state.head), isHeld: isHeld) {
            state.durable.link = state.live.link
            state.head = state.live.link
        }
        if state.hasRow, !state.isMarked {
            state.live.isIndexed = true
            state.durable.isIndexed = true
            state.isMarked = true
        }
        state.markToWrite = false
        state.activity = .ready
    }

    func brokenPromise(in state: State) -> String? {
        let files = state.live
        let blobIsGood = files.blob == .named && files.blobIsWhole
        if files.link == 1, !files.hasOldTree { return "the link shows release 1, whose tree is gone" }
        if files.link == 2, files.tree != .named || !files.treeIsWhole || !blobIsGood {
            return "the link shows release 2, whose tree is not whole"
        }
        if files.link == 2, !files.timeIsNew || !files.hasNewName {
            return "the link shows release 2, one of whose files has the time of release 1"
        }
        if state.isTimeDecided, !files.hasNewName { return "a row names an inode by a name that it does not have" }
        if state.activity == .ready, state.isTimeDecided != files.timeIsNew {
            return "a row says another time than its inode has"
        }
        if files.tree == .named, !files.treeIsWhole { return "a tree has its final name and is not whole" }
        if state.hasRow, !blobIsGood { return "a row names a blob that is not there, or torn" }
        if state.isHeld, !state.hasRow { return "a release is held whose blob is not" }
        if state.isHeld, !files.hasReleaseFile { return "a release is held that a lost database could not get back" }
        if state.head == 2, !state.isHeld { return "the head is a release that is not held" }
        if state.head == 2, files.link != 2 { return "the head is not what the link shows" }
        if state.isAcknowledged, state.head != 2 { return "an acknowledged release is lost" }
        if state.isMarked, !files.isIndexed { return "the index has lost what the mark says it has" }
        if state.activity == .ready, state.hasRow, !files.isIndexed { return "a held blob's chunks are not offered" }
        return nil
    }

    func isSettled(_ state: State) -> Bool { state.activity == .ready && state.head == 2 }
}
