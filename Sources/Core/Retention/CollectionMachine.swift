/// Decides what a collection may do next, beside sessions and readers that come and go.
///
/// A pass marks everything below the roots that are kept, rescues what only the index would lose, and sweeps the rest
/// in small batches. What makes it safe:
/// 1. A session first **decides**: it looks at what the store holds and counts on it. Until it settles, or ends,
///    nothing is swept; so all that it saw is still there when it settles.
/// 2. When it **settles** on a root, that root is marked before the next batch: from then on the pass spares it.
/// 3. A session that ends without having settled, and has stored something, may have left rows that count on others,
///    and nobody can say which: the pass begins again.
/// 4. What is stored while a pass runs is above the numbers that it looks at, and spared (the store sees to that).
///
/// Pure: events change it, `step` says what to do. `idle` -> `marking` -> `rescuing` -> `sweeping` -> `idle`; from
/// everywhere back to `idle` when the pass is given up.
package struct CollectionMachine<Root: Hashable & Comparable & Sendable>: Hashable, Sendable {
    /// What the collector does next.
    package enum Step: Hashable, Sendable {
        /// No pass runs.
        case rest
        /// The pass cannot go on: give it up (`abandon`), and begin again.
        case beginAgain
        /// Mark everything below a root, then say `marked`.
        case mark(Root)
        /// Give every chunk that would be lost with its blob another place, durably, then say `rescued`.
        case rescue
        /// Wait: a session is deciding.
        case wait
        /// Sweep one batch; say `finish` when there is nothing left.
        case sweep
    }

    private enum Phase: Hashable, Sendable {
        case idle, marking, rescuing, sweeping
    }

    private var phase = Phase.idle
    /// Sessions by name; nil: still deciding.
    private var sessions: [String: Root?] = [:]
    /// Roots that readers hold, with how many do.
    private var pins: [Root: Int] = [:]
    private var unmarked: Set<Root> = []
    private var markedRoots: Set<Root> = []
    private var isDisturbed = false

    package init() {}

    // MARK: Sessions and readers

    /// A session looks at what is held from now on.
    package mutating func sessionBegan(_ name: String) { sessions[name] = .some(nil) }

    /// A session knows what it needs: everything below `root`.
    package mutating func sessionSettled(_ name: String, on root: Root) {
        guard sessions[name] != nil else { return }
        sessions[name] = root
        require(root)
    }

    /// A session has ended, in whatever way.
    /// - Parameter leavesRows: it has stored something that no root names on which it settled.
    package mutating func sessionEnded(_ name: String, leavesRows: Bool) {
        guard let root = sessions.removeValue(forKey: name) else { return }
        if root == nil, leavesRows { disturb() }
    }

    /// A reader wants everything below `root` to stay. The caller makes sure that it is there.
    package mutating func pin(_ root: Root) {
        pins[root, default: 0] += 1
        require(root)
    }

    /// A reader is done.
    package mutating func unpin(_ root: Root) {
        guard let count = pins[root] else { return }
        pins[root] = count > 1 ? count - 1 : nil
    }

    /// Rows were taken away by somebody else, such as damaged ones: what was marked may be wrong.
    package mutating func disturb() { if phase != .idle { isDisturbed = true } }

    /// Names of sessions that decide, ascending: what `wait` waits for.
    package var deciding: [String] { sessions.filter { $0.value == nil }.keys.sorted() }

    /// Whether any session runs.
    package var hasSessions: Bool { !sessions.isEmpty }

    /// Whether a reader or a session needs what is below `root`.
    package func needs(_ root: Root) -> Bool {
        pins[root] != nil || sessions.values.contains { $0 == root }
    }

    // MARK: The pass

    /// Begins a pass that keeps everything below `roots`, and below what sessions and readers need.
    package mutating func begin(keeping roots: some Sequence<Root>) {
        precondition(phase == .idle, "a collection runs already")
        phase = .marking
        markedRoots = []
        isDisturbed = false
        unmarked = Set(roots).union(pins.keys).union(sessions.values.compactMap { $0 })
    }

    /// What to do next. Sweep only while no session can begin: under the lock that guards this machine, or one above it.
    package var step: Step {
        if phase == .idle { return .rest }
        if isDisturbed { return .beginAgain }
        if let root = unmarked.min() { return .mark(root) }
        switch phase {
        case .idle: return .rest
        // Marks grow only by whole roots, so the first moment at which all are marked will do.
        case .marking, .rescuing: return deciding.isEmpty ? .rescue : .wait
        case .sweeping: return deciding.isEmpty ? .sweep : .wait
        }
    }

    /// Everything below `root` is marked.
    package mutating func marked(_ root: Root) {
        unmarked.remove(root)
        markedRoots.insert(root)
        if phase == .marking, unmarked.isEmpty { phase = .rescuing }
    }

    /// The rescued places are durable.
    package mutating func rescued() { if phase == .rescuing || phase == .marking { phase = .sweeping } }

    /// Everything was swept.
    package mutating func finish() { abandon() }

    /// Gives the pass up; whatever was swept stays so.
    package mutating func abandon() {
        phase = .idle
        unmarked = []
        markedRoots = []
        isDisturbed = false
    }

    private mutating func require(_ root: Root) {
        if phase != .idle, !markedRoots.contains(root) { unmarked.insert(root) }
    }
}
