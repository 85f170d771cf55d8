import Exploration
import FleetModel
import Testing

import AgentService

@Suite struct SyncOrdersTests {
    private static func line(_ sequence: UInt64?, mirror: String = "m1") -> PlanLine {
        PlanLine(
            mirror: mirror, set: "debian", action: sequence == nil ? .none : .sync, sequence: sequence,
            reason: Reason(code: .behind, text: ""))
    }

    private func begin(_ orders: inout SyncOrders) throws -> SyncOrders.Order {
        let order = orders.begin("debian")
        return try #require(order)
    }

    @Test func `a sync that is asked for, taken back and asked for again runs again`() throws {
        var orders = SyncOrders()
        _ = orders.follow([Self.line(7)], of: "m1")
        let first = try begin(&orders)
        orders.end(first, "debian", .done)
        #expect(orders.follow([Self.line(nil)], of: "m1").isEmpty)
        #expect(orders.follow([Self.line(7)], of: "m1").ordered == ["debian"])
        let second = try begin(&orders)
        #expect(second.number != first.number)
        // The end of the first, told late, ends nothing.
        orders.end(first, "debian", .done)
        #expect(orders.isCurrent(second, "debian"))
    }

    @Test func `a line for what can be no set is passed over, and the others are not`() throws {
        var orders = SyncOrders()
        let names = ["", "../../etc", "Debian", "a b", "a/b", "-x", String(repeating: "a", count: 64)]
        let lines = names.map { name in
            var line = Self.line(7)
            line.set = name
            return line
        }
        let changes = orders.follow(lines + [Self.line(7)], of: "m1")
        #expect(changes.refused == names)
        #expect(changes.ordered == ["debian"])
        #expect(orders.sets == ["debian"])
    }

    @Test func `a coordinator that names sets without end is followed for so many`() throws {
        var orders = SyncOrders()
        func lines(_ numbers: Range<Int>) -> [PlanLine] {
            numbers.map { number in
                var line = Self.line(7)
                line.set = "set-\(number)"
                return line
            }
        }
        #expect(orders.follow(lines(0..<1_000), of: "m1").refused.isEmpty)
        #expect(orders.follow(lines(1_000..<1_100), of: "m1").refused.count == 1_100 - SyncOrders.nameLimit)
        #expect(orders.follow(lines(0..<1_000), of: "m1").refused.isEmpty)
        #expect(orders.sets.count == SyncOrders.nameLimit)
    }

    @Test func `an order that was taken back while it ran is over, and its end changes nothing`() throws {
        var orders = SyncOrders()
        _ = orders.follow([Self.line(7)], of: "m1")
        let first = try begin(&orders)
        var others = orders
        #expect(orders.follow([Self.line(nil)], of: "m1").withdrawn == ["debian"])
        #expect(others.follow([], idle: ["debian", "iso"], of: "m1").withdrawn == ["debian"])
        #expect(others == orders)
        #expect(!orders.isCurrent(first, "debian"))
        #expect(orders.follow([Self.line(7)], of: "m1").ordered == ["debian"])
        orders.end(first, "debian", .done)
        #expect(orders.begin("debian") != nil)
    }

    @Test func `the same plan again disturbs nothing that runs, and hurries what pauses`() throws {
        var orders = SyncOrders()
        _ = orders.follow([Self.line(7)], of: "m1")
        let order = try begin(&orders)
        #expect(orders.follow([Self.line(7)], of: "m1").isEmpty)
        #expect(orders.isCurrent(order, "debian"))
        orders.end(order, "debian", .failed)
        #expect(orders.follow([Self.line(7)], of: "m1").ordered == ["debian"])
    }

    @Test func `lines of other mirrors are nobody's order here`() {
        var orders = SyncOrders()
        #expect(orders.follow([Self.line(7, mirror: "m2")], of: "m1").isEmpty)
        #expect(orders.sets.isEmpty)
    }

    @Test func `whatever plans come while syncs run, succeed, fail and stop, the last one is carried out`() {
        let found = Exploration(OrderModel())
        print("orders of syncs: \(found.stateCount) states, \(found.stepCount) steps, \(found.endCount) ends")
        #expect(found.failure == nil, "\(found.failure.map { "\($0)" } ?? "")")
        #expect(found.stateCount > 500)
    }

    @Test func `an order whose number is given out again is found by the exploration`() {
        let found = Exploration(OrderModel(forgetsLateEnds: false))
        #expect(found.failure != nil)
    }
}

/// Plans, of which some come twice and in another order, and the one worker of a set.
private struct OrderModel: ExploredModel {
    /// False: the end of an attempt is taken for that of whatever is wanted then, as if numbers were used again.
    var forgetsLateEnds = true

    struct State: Hashable {
        var orders = SyncOrders()
        /// What the worker is doing.
        var running: SyncOrders.Order?
        var plansLeft = 5
        /// What the last plan wants, nil for nothing.
        var wanted: UInt64?
        /// Whether an attempt at what is wanted, begun after it was wanted last, has ended for good.
        var isCarriedOut = true
        var numbers: Set<UInt64> = []
        var failuresLeft = 2
        var isNumberUsedAgain = false
    }

    enum Step: CustomStringConvertible {
        case plan(UInt64?), begin, end(SyncOrders.Outcome)

        var description: String {
            switch self {
            case .plan(let sequence): "a plan wants \(sequence.map { "release \($0)" } ?? "nothing")"
            case .begin: "the worker begins"
            case .end(let outcome): "the worker ends: \(outcome)"
            }
        }
    }

    var start: State { State() }

    func steps(in state: State) -> [Step] {
        var steps: [Step] = []
        if state.plansLeft > 0 { steps += [.plan(nil), .plan(1), .plan(2)] }
        if let running = state.running {
            if state.orders.isCurrent(running, "s") || !forgetsLateEnds {
                steps.append(.end(.done))
                if state.failuresLeft > 0 { steps.append(.end(.failed)) }
            } else {
                // It may have got to its end just then.
                steps += [.end(.stopped), .end(.done)]
            }
        } else if state.orders.wanted("s") != nil {
            steps.append(.begin)
        }
        return steps
    }

    func after(_ step: Step, in state: State) -> State {
        var state = state
        switch step {
        case .plan(let sequence):
            state.plansLeft -= 1
            let line = PlanLine(
                mirror: "m", set: "s", action: sequence == nil ? .none : .sync, sequence: sequence,
                reason: Reason(code: .behind, text: ""))
            let changes = state.orders.follow([line], of: "m")
            state.wanted = sequence
            if sequence == nil {
                state.isCarriedOut = true
            } else if !changes.ordered.isEmpty {
                state.isCarriedOut = false
                let number = state.orders.wanted("s")?.number ?? 0
                if !state.numbers.insert(number).inserted { state.isNumberUsedAgain = true }
            }
        case .begin:
            state.running = state.orders.begin("s")
        case .end(let outcome):
            guard let running = state.running else { return state }
            let target = forgetsLateEnds ? running : state.orders.wanted("s") ?? running
            if outcome == .failed { state.failuresLeft -= 1 }
            if outcome == .done, state.orders.isCurrent(running, "s"), running.line.sequence == state.wanted {
                state.isCarriedOut = true
            }
            state.orders.end(target, "s", outcome)
            state.running = nil
        }
        return state
    }

    func brokenPromise(in state: State) -> String? {
        if state.isNumberUsedAgain { return "a number was given out twice" }
        if state.wanted != nil, !state.isCarriedOut, state.orders.wanted("s") == nil {
            return "release \(state.wanted ?? 0) is wanted, was never carried out, and nothing is left to do"
        }
        if let order = state.orders.wanted("s"), order.line.sequence != state.wanted {
            return "release \(order.line.sequence ?? 0) is to be done, and \(state.wanted ?? 0) is wanted"
        }
        return nil
    }

    func isSettled(_ state: State) -> Bool { state.running == nil && state.orders.wanted("s") == nil }
}
