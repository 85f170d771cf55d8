import Retention
import Testing

@Suite struct CollectionMachineTests {
    private typealias Machine = CollectionMachine<Int>

    /// A machine that has marked root 1 and may sweep.
    private func sweeping() -> Machine {
        var machine = Machine()
        machine.begin(keeping: [1])
        machine.marked(1)
        machine.rescued()
        return machine
    }

    @Test("A pass marks every kept root, rescues, then sweeps")
    func order() {
        var machine = Machine()
        #expect(machine.step == .rest)
        machine.begin(keeping: [2, 1])
        #expect(machine.step == .mark(1))
        machine.marked(1)
        #expect(machine.step == .mark(2))
        machine.marked(2)
        #expect(machine.step == .rescue)
        machine.rescued()
        #expect(machine.step == .sweep)
        machine.finish()
        #expect(machine.step == .rest)
    }

    @Test("A session that is deciding holds up the sweep; what it settles on is marked first")
    func deciding() {
        var machine = sweeping()
        machine.sessionBegan("debian")
        #expect(machine.step == .wait && machine.deciding == ["debian"])
        machine.sessionSettled("debian", on: 7)
        #expect(machine.step == .mark(7))
        machine.marked(7)
        #expect(machine.step == .sweep && machine.needs(7))
        machine.sessionEnded("debian", leavesRows: true)
        #expect(machine.step == .sweep && !machine.needs(7))
    }

    @Test("A session that leaves rows without having settled makes the pass begin again")
    func disturbed() {
        var machine = sweeping()
        machine.sessionBegan("debian")
        machine.sessionEnded("debian", leavesRows: false)
        #expect(machine.step == .sweep)
        machine.sessionBegan("debian")
        machine.sessionEnded("debian", leavesRows: true)
        #expect(machine.step == .beginAgain)
        machine.abandon()
        #expect(machine.step == .rest)
        machine.disturb()
        machine.begin(keeping: [1])
        #expect(machine.step == .mark(1))
    }

    @Test("Pins count, and a pinned root is marked in the pass that runs and in the next")
    func pins() {
        var machine = sweeping()
        machine.pin(3)
        machine.pin(3)
        #expect(machine.step == .mark(3))
        machine.marked(3)
        machine.unpin(3)
        #expect(machine.needs(3))
        machine.finish()
        machine.begin(keeping: [])
        #expect(machine.step == .mark(3))
        machine.unpin(3)
        #expect(!machine.needs(3))
    }

    @Test("Kept are the newest, the head, the served one and those with a tree")
    func retention() {
        func kept(_ held: [UInt64], head: UInt64?, served: UInt64?, trees: [UInt64] = [], _ count: Int) -> [UInt64] {
            ReleaseRetention.kept(.init(held: held, head: head, served: served, trees: trees, kept: count))
        }
        #expect(kept([1, 2, 3, 4, 5], head: 5, served: 5, 2) == [4, 5])
        #expect(kept([1, 2, 3, 4, 5], head: 4, served: 2, 1) == [2, 4, 5])
        #expect(kept([5, 3, 1], head: 5, served: 5, trees: [1, 2], 1) == [1, 5])
        #expect(kept([1, 2], head: nil, served: nil, 0) == [2])
        #expect(kept([], head: nil, served: nil, 5) == [])
    }

    @Test("Changesets stay from the newest on, up to the limit of their sum")
    func changesets() {
        #expect(ReleaseRetention.keptChangesets(sizes: [10, 20, 30], limit: 30) == 2)
        #expect(ReleaseRetention.keptChangesets(sizes: [10, 20, 30], limit: 60) == 3)
        #expect(ReleaseRetention.keptChangesets(sizes: [31, 1], limit: 30) == 0)
        #expect(ReleaseRetention.keptChangesets(sizes: [.max, .max], limit: .max) == 1)
    }

    @Test("A set of numbers holds what was put in, however far apart")
    func numbers() {
        var numbers = NumberSet()
        let some: [Int64] = [0, 1, 63, 64, 65_535, 65_536, 1 << 40, .max]
        let isNew = some.map { numbers.insert($0) }
        #expect(isNew.allSatisfy { $0 })
        for number in some {
            let isNewAgain = numbers.insert(number)
            #expect(!isNewAgain && numbers.contains(number))
        }
        let others: [Int64] = [2, 62, 65_537, 1 << 40 + 2]
        for number in others { #expect(!numbers.contains(number)) }
        #expect(numbers.count == some.count)
    }
}
