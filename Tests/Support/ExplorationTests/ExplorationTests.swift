import Exploration
import Testing

/// Two writers that read a number, then write it plus one: with or without a lock around both.
private struct Counting: ExploredModel {
    struct State: Hashable {
        var number = 0
        var seen: [Int?] = [nil, nil]
        var isDone = [false, false]
        var holder: Int?
    }

    enum Step: CustomStringConvertible {
        case read(Int), write(Int), loseLock

        var description: String {
            switch self {
            case .read(let writer): "writer \(writer) reads"
            case .write(let writer): "writer \(writer) writes"
            case .loseLock: "the lock is lost"
            }
        }
    }

    var isLocked = true
    var losesLock = false
    var start: State { State() }

    func steps(in state: State) -> [Step] {
        var steps: [Step] = []
        for writer in 0..<2 where !state.isDone[writer] {
            if state.seen[writer] != nil {
                steps.append(.write(writer))
            } else if !isLocked || state.holder == nil {
                steps.append(.read(writer))
            }
        }
        // A lock that nobody gives back: the writer that had it is gone.
        if losesLock, let holder = state.holder, state.seen[holder] != nil { steps.append(.loseLock) }
        return steps
    }

    func after(_ step: Step, in state: State) -> State {
        var state = state
        switch step {
        case .read(let writer):
            state.seen[writer] = state.number
            state.holder = writer
        case .write(let writer):
            state.number = (state.seen[writer] ?? 0) + 1
            state.seen[writer] = nil
            state.isDone[writer] = true
            state.holder = nil
        case .loseLock:
            state.seen[state.holder ?? 0] = nil
            state.isDone[state.holder ?? 0] = true
        }
        return state
    }

    func brokenPromise(in state: State) -> String? {
        isSettled(state) && state.number != 2 ? "the number is \(state.number), not 2" : nil
    }

    func isSettled(_ state: State) -> Bool { state.isDone == [true, true] && state.holder == nil }
}

@Suite struct ExplorationTests {
    @Test("A model that keeps its promises passes, with all its states counted")
    func keepsPromises() {
        let exploration = Exploration(Counting())
        #expect(exploration.failure == nil)
        // The start, and for either order of the writers: read, written, read, written; the end is the same state.
        #expect(exploration.stateCount == 8)
        #expect(exploration.endCount == 1)
    }

    @Test("A lost update is found, with the shortest way to it")
    func findsLostUpdate() throws {
        let failure = try #require(Exploration(Counting(isLocked: false)).failure)
        #expect(failure.promise == "the number is 1, not 2")
        #expect(failure.steps.count == 4)
        #expect("\(failure)".contains("1. writer 0 reads\n  2. writer 1 reads"))
    }

    @Test("A state that cannot go on and is not settled is found")
    func findsStuckState() throws {
        let failure = try #require(Exploration(Counting(losesLock: true)).failure)
        #expect(failure.promise == "nothing can happen any more, and it is not settled")
    }

    @Test("A model that is too large fails instead of passing unseen")
    func refusesLargeModels() throws {
        let failure = try #require(Exploration(Counting(), stateLimit: 3).failure)
        #expect(failure.promise.contains("too large"))
    }
}
