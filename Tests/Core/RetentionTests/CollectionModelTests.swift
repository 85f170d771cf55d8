import Exploration
import Retention
import Testing

/// A collection beside a fetch, a publish that is given up, a reader and a crash, on a store of three blobs:
/// `a` is in the head, `b` in an old release and in the one that is fetched, `c` only in the latter. The chunk `x` is in
/// `a` and `b`, and the index knows its place in `b`.
private struct CollectionModel: ExploredModel {
    static let a: UInt8 = 1
    static let b: UInt8 = 2
    static let c: UInt8 = 4
    /// Roots: what each names.
    static let named: [UInt8] = [a, b, b | c]
    static let (head, old, next) = (0, 1, 2)

    /// Rules of the store that can be left out, to see that the model finds it.
    enum Omission {
        case nothing, rescue, disturbance, recordsFirst, notes, unfinished
    }

    struct Pass: Hashable {
        var marks: UInt8 = 0
        /// Stored since the pass began: above its numbers.
        var spared: UInt8 = 0
        /// 0 retire, 1 records, 2 files, 3 notes.
        var stage = 0
        var isRescued = false
        /// Rows of a batch are gone, its files are not: nothing else can happen but a crash.
        var isBetween = false
    }

    enum Session: Hashable {
        case none, deciding, looked(heldB: Bool), settled(heldB: Bool), stored(heldB: Bool)
    }

    struct State: Hashable {
        var machine = CollectionMachine<Int>()
        var rows = a | b
        var files = a | b
        var notes: UInt8 = 0
        var hasOldRelease = true
        var servesNext = false
        var isUnfinished = false
        /// The fetch has stored `c`.
        var hasStored = false
        /// A record of a source file that names `b`.
        var hasRecord = false
        var place = b
        var durablePlace = b
        var pass: Pass?
        var fetch = Session.none
        var publish = Session.none
        var isReading = false
        var left = Left()
    }

    /// How often each may still happen.
    struct Left: Hashable {
        var fetches = 2
        var publishes = 1
        var readings = 1
        var crashes = 1
        var passes = 3
    }

    enum Step: String, CustomStringConvertible {
        case beginPass, mark, rescue, syncIndex, retire, sweepRecords, deleteRows, unlinkFiles, clearNotes, finishPass
        case beginAgain
        case beginFetch, look, settle, store, finish, suspend
        case beginPublish, record, giveUp
        case pin, unpin, crash
        var description: String { rawValue }
    }

    var omission = Omission.nothing
    var start: State { State() }

    private func kept(_ state: State) -> [Int] {
        var roots = [Self.head]
        if state.servesNext || (state.isUnfinished && omission != .unfinished) { roots.append(Self.next) }
        return roots
    }

    private func isDying(_ blob: UInt8, _ pass: Pass) -> Bool { (pass.marks | pass.spared) & blob == 0 }

    func steps(in state: State) -> [Step] {
        var steps: [Step] = state.left.crashes > 0 ? [.crash] : []
        if state.pass?.isBetween == true { return steps + [.unlinkFiles] }
        steps += passSteps(state)
        switch state.fetch {
        case .none: if state.left.fetches > 0, !state.servesNext { steps.append(.beginFetch) }
        case .deciding: steps += [.look, .suspend]
        case .looked: steps += [.settle, .suspend]
        case .settled: steps += [.store, .suspend]
        case .stored: steps += [.finish, .suspend]
        }
        switch state.publish {
        case .none: if state.left.publishes > 0 { steps.append(.beginPublish) }
        case .deciding: steps += [.record, .giveUp]
        default: steps.append(.giveUp)
        }
        if state.isReading {
            steps.append(.unpin)
        } else if state.left.readings > 0, state.hasOldRelease {
            steps.append(.pin)
        }
        return steps
    }

    private func passSteps(_ state: State) -> [Step] {
        guard let pass = state.pass else { return state.left.passes > 0 ? [.beginPass] : [] }
        switch state.machine.step {
        case .rest, .wait: return []
        case .beginAgain: return [.beginAgain]
        case .mark: return [.mark]
        case .rescue: return [pass.isRescued || omission == .rescue ? .syncIndex : .rescue]
        case .sweep:
            let order: [Step] =
                omission == .recordsFirst
                ? [.retire, .deleteRows, .sweepRecords, .clearNotes]
                : [.retire, .sweepRecords, .deleteRows, .clearNotes]
            return [pass.stage < order.count ? order[pass.stage] : .finishPass]
        }
    }

    func after(_ step: Step, in state: State) -> State {
        var state = state
        switch step {
        case .crash:
            state.left.crashes -= 1
            state.machine = CollectionMachine()
            state.pass = nil
            (state.fetch, state.publish, state.isReading) = (.none, .none, false)
            state.place = state.durablePlace
        case .beginFetch, .look, .settle, .store, .finish, .suspend: fetch(step, &state)
        case .beginPublish, .record, .giveUp: publish(step, &state)
        case .pin:
            state.left.readings -= 1
            state.isReading = true
            state.machine.pin(Self.old)
        case .unpin:
            state.isReading = false
            state.machine.unpin(Self.old)
        default: collect(step, &state)
        }
        return state
    }

    private func fetch(_ step: Step, _ state: inout State) {
        switch (step, state.fetch) {
        case (.beginFetch, _):
            state.left.fetches -= 1
            state.fetch = .deciding
            state.machine.sessionBegan("fetch")
        case (.look, _): state.fetch = .looked(heldB: state.rows & Self.b != 0)
        case (.settle, .looked(let heldB)):
            state.isUnfinished = true
            state.fetch = .settled(heldB: heldB)
            state.machine.sessionSettled("fetch", on: Self.next)
        case (.store, .settled(let heldB)):
            let missing = heldB ? Self.c : Self.b | Self.c
            let fresh = missing & ~state.rows
            state.rows |= fresh
            state.files |= fresh
            state.pass?.spared |= fresh
            if fresh & Self.b != 0 { (state.place, state.durablePlace) = (Self.b, Self.b) }
            state.hasStored = true
            state.fetch = .stored(heldB: heldB)
        case (.finish, _):
            (state.servesNext, state.isUnfinished) = (true, false)
            state.fetch = .none
            state.machine.sessionEnded("fetch", leavesRows: false)
        default:
            state.fetch = .none
            state.machine.sessionEnded("fetch", leavesRows: false)
        }
    }

    private func publish(_ step: Step, _ state: inout State) {
        switch step {
        case .beginPublish:
            state.left.publishes -= 1
            state.publish = .deciding
            state.machine.sessionBegan("publish")
        case .record:
            state.hasRecord = state.hasRecord || state.rows & Self.b != 0
            state.publish = .looked(heldB: true)
        default:
            state.publish = .none
            state.machine.sessionEnded("publish", leavesRows: omission != .disturbance)
        }
    }

    private func collect(_ step: Step, _ state: inout State) {
        guard step != .beginPass else {
            // What the pass before had left between rows and files goes first.
            state.files &= state.rows | ~state.notes
            state.notes = 0
            state.left.passes -= 1
            state.pass = Pass()
            state.machine.begin(keeping: kept(state))
            return
        }
        guard var pass = state.pass else { return }
        switch step {
        case .mark:
            guard case .mark(let root) = state.machine.step else { return }
            pass.marks |= Self.named[root] & state.rows
            state.machine.marked(root)
        case .rescue:
            if isDying(state.place, pass) { state.place = Self.a }
            pass.isRescued = true
        case .syncIndex:
            state.durablePlace = state.place
            state.machine.rescued()
        case .retire:
            if !state.machine.needs(Self.old) { state.hasOldRelease = false }
            pass.stage += 1
        case .sweepRecords:
            if isDying(Self.b, pass) { state.hasRecord = false }
            pass.stage += 1
        case .deleteRows:
            let dying = state.rows & ~(pass.marks | pass.spared)
            state.rows &= ~dying
            if omission != .notes { state.notes |= dying }
            pass.stage += 1
            pass.isBetween = dying != 0
        case .unlinkFiles:
            state.files &= state.rows
            pass.isBetween = false
        case .clearNotes:
            state.notes = 0
            pass.stage += 1
        case .finishPass, .beginAgain:
            if step == .finishPass { state.machine.finish() } else { state.machine.abandon() }
            state.pass = nil
            return
        default: break
        }
        state.pass = pass
    }

    func brokenPromise(in state: State) -> String? {
        if state.rows & ~state.files != 0 { return "a row has no file" }
        if state.rows & Self.a == 0 { return "a blob of the head is gone" }
        if state.rows & state.place == 0 { return "a chunk of the head is not found any more" }
        if state.hasRecord, state.rows & Self.b == 0, state.publish == .none, state.pass?.isBetween != true {
            return "a record names a blob that is gone"
        }
        if state.isReading, state.rows & Self.b == 0 { return "a reader lost what it reads" }
        if state.servesNext, state.rows & (Self.b | Self.c) != Self.b | Self.c { return "a head is not complete" }
        switch state.fetch {
        case .looked(heldB: true), .settled(heldB: true), .stored(heldB: true):
            if state.rows & Self.b == 0 { return "a session lost what it counted on" }
        default: break
        }
        if state.isUnfinished, state.hasStored, state.rows & Self.c == 0 {
            return "what an interrupted fetch had stored is gone"
        }
        return nil
    }

    func isSettled(_ state: State) -> Bool {
        let isQuiet = state.pass == nil && state.fetch == .none && state.publish == .none && !state.isReading
        return isQuiet && (state.files & ~state.rows == 0 || state.left.passes == 0 && state.notes != 0)
    }
}

@Suite struct CollectionModelTests {
    @Test("Beside a fetch, a publish given up, a reader and a crash nothing needed is collected, in every order")
    func everyOrder() {
        let exploration = Exploration(CollectionModel())
        #expect(exploration.failure == nil)
        print("collection: \(exploration.stateCount) states, \(exploration.stepCount) steps")
        #expect(exploration.stateCount > 10_000)
    }

    @Test("Each rule of a collection is needed: without it some order loses something")
    func everyRule() {
        #expect(Exploration(CollectionModel(omission: .rescue)).failure?.promise.contains("not found") == true)
        #expect(Exploration(CollectionModel(omission: .disturbance)).failure?.promise.contains("a record") == true)
        #expect(Exploration(CollectionModel(omission: .recordsFirst)).failure?.promise.contains("a record") == true)
        #expect(Exploration(CollectionModel(omission: .unfinished)).failure?.promise.contains("interrupted") == true)
        #expect(Exploration(CollectionModel(omission: .notes)).failure != nil)
    }
}
