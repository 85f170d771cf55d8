import Content
package import FleetModel

/// Which sync each set is to run: what plans asked for and is not done yet.
///
/// A pure machine. Its owner tells it of plans with ``follow(_:of:)``; the one worker of a set takes what is to be done
/// with ``begin(_:)``, stops when ``isCurrent(_:_:)`` becomes false, and says with ``end(_:_:_:)`` how it went. Plans may
/// come twice, in any order, and while a sync runs: a number is never given out again, so nothing that was asked for is
/// taken for what was done before.
package struct SyncOrders: Hashable, Sendable {
    /// A line to carry out.
    package struct Order: Hashable, Sendable {
        /// What the plan says.
        package let line: PlanLine
        /// Tells it from every other order of this machine.
        package let number: UInt64
    }

    /// How an attempt ended.
    package enum Outcome: Hashable, Sendable, CaseIterable {
        /// There is nothing left to try: it succeeded, or it never can.
        case done
        /// It is to be tried again after a pause.
        case failed
        /// It was stopped before its end.
        case stopped
    }

    /// What a plan has changed.
    package struct Changes: Hashable, Sendable {
        /// Sets with a new order, in the order of the plan.
        package var ordered: [String] = []
        /// Sets whose order was taken back.
        package var withdrawn: [String] = []
        /// Names in lines of this mirror that no set can have, or that are more than ``nameLimit``; nothing is done for them.
        package var refused: [String] = []

        /// Whether everything is as it was.
        package var isEmpty: Bool { ordered.isEmpty && withdrawn.isEmpty }
    }

    private enum Phase: Hashable {
        case waiting, running, pausing
    }

    private struct Entry: Hashable {
        let order: Order
        var phase = Phase.waiting
    }

    /// The most names of sets that are ever taken from plans: each costs a worker for as long as the agent runs.
    package static let nameLimit = Neighbourhood.limit

    private var entries: [String: Entry] = [:]
    private var names: Set<String> = []
    private var lastNumber: UInt64 = 0

    /// No orders.
    package init() {}

    /// Sets with an order that is not done, ascending.
    package var sets: [String] { entries.keys.sorted() }

    /// The order for `set` that is not done; nil if there is none.
    package func wanted(_ set: String) -> Order? { entries[set]?.order }

    /// Takes the lines of a plan that are for `mirror`. A line that asks for what waits or runs anyway does not disturb
    /// it; one that asks for what pauses after a failure is a new order, so that it is tried at once.
    /// - Parameter idle: sets for which the plan has nothing to do, beside those that a line says it of.
    package mutating func follow(_ lines: [PlanLine], idle: [String] = [], of mirror: String) -> Changes {
        var changes = Changes()
        func withdraw(_ set: String) {
            if entries.removeValue(forKey: set) != nil { changes.withdrawn.append(set) }
        }
        for set in idle { withdraw(set) }
        for line in lines where line.mirror == mirror {
            guard PlainName.accepts(line.set), names.contains(line.set) || names.count < Self.nameLimit else {
                changes.refused.append(line.set)
                continue
            }
            guard line.action != .none else {
                withdraw(line.set)
                continue
            }
            let known = entries[line.set]
            if let known, known.phase != .pausing, known.order.line.asksForTheSame(as: line) { continue }
            names.insert(line.set)
            lastNumber += 1
            entries[line.set] = Entry(order: Order(line: line, number: lastNumber))
            changes.ordered.append(line.set)
        }
        return changes
    }

    /// The order to attempt now, which is running from here on; nil if there is none.
    package mutating func begin(_ set: String) -> Order? {
        entries[set]?.phase = .running
        return entries[set]?.order
    }

    /// Whether `order` is still what is wanted of `set`.
    package func isCurrent(_ order: Order, _ set: String) -> Bool { entries[set]?.order.number == order.number }

    /// Takes note of the end of an attempt. An order that is not current any more changes nothing.
    package mutating func end(_ order: Order, _ set: String, _ outcome: Outcome) {
        guard isCurrent(order, set) else { return }
        switch outcome {
        case .done: entries[set] = nil
        case .failed: entries[set]?.phase = .pausing
        case .stopped: entries[set]?.phase = .waiting
        }
    }
}

extension PlanLine {
    /// Whether `other` wants the same release from the same sources, in the same order.
    fileprivate func asksForTheSame(as other: PlanLine) -> Bool {
        action == other.action && sequence == other.sequence && release == other.release && sources == other.sources
    }
}
