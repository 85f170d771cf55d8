import Bandwidth
import NIOCore
import Synchronization

/// Holds an endpoint's connections to what the host may send and receive together, and wakes those that had to wait.
///
/// It is asked before each frame of content or metadata, and before credit for them is returned. While there is no limit
/// that is one look at an atomic flag.
final class BandwidthLimiter: Sendable {
    /// Which way bytes go.
    enum Direction: Hashable, Sendable {
        case up
        case down
    }

    /// A connection that may be woken.
    struct Waiter: Sendable {
        weak var connection: STOQConnection?
    }

    private struct State {
        var up: BandwidthTree
        var down: BandwidthTree
        var waiters: [UInt64: Waiter] = [:]
        var lastTransfer: UInt64 = 0
        /// When the timer of a direction goes off, in nanoseconds; nil: none is set.
        var timers: [Direction: UInt64] = [:]

        subscript(direction: Direction) -> BandwidthTree {
            get { direction == .up ? up : down }
            _modify {
                if direction == .up { yield &up } else { yield &down }
            }
        }
    }

    private let state: Mutex<State>
    private let isUpLimited = Atomic<Bool>(false)
    private let isDownLimited = Atomic<Bool>(false)
    private let eventLoop: any EventLoop
    private let received = Atomic<UInt64>(0)
    private let sent = Atomic<UInt64>(0)

    /// A limiter without limits, whose timers are on `eventLoop`.
    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        let now = Self.now
        state = Mutex(State(up: BandwidthTree(now: now), down: BandwidthTree(now: now)))
    }

    private static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

    /// Whether there is a limit for `direction`.
    func isLimited(_ direction: Direction) -> Bool {
        switch direction {
        case .up: isUpLimited.load(ordering: .relaxed)
        case .down: isDownLimited.load(ordering: .relaxed)
        }
    }

    /// The limits in force, bytes a second.
    var limits: (up: UInt64?, down: UInt64?) { state.withLock { ($0.up.limit, $0.down.limit) } }

    /// Other limits, bytes a second, and shares of sets, from now on.
    func set(up: UInt64?, down: UInt64?, weights: [String: Int]) {
        let now = Self.now
        state.withLock { state in
            for (direction, limit) in [(Direction.up, up), (.down, down)] {
                state[direction].setLimit(limit, now: now)
                state[direction].setWeights(weights)
            }
        }
        isUpLimited.store(up != nil, ordering: .relaxed)
        isDownLimited.store(down != nil, ordering: .relaxed)
        distribute(.up)
        distribute(.down)
    }

    /// Bytes of frames that all connections together have received and sent so far, before TLS.
    var traffic: (received: UInt64, sent: UInt64) {
        (received.load(ordering: .relaxed), sent.load(ordering: .relaxed))
    }

    // MARK: - For connections

    func count(received bytes: Int) {
        received.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    func count(sent bytes: Int) {
        sent.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    /// A number for the transfers of a connection.
    func newTransfer() -> UInt64 {
        state.withLock { state in
            state.lastTransfer += 1
            return state.lastTransfer
        }
    }

    /// How long frames should be now; nil: as long as they may.
    var frameBytes: Int? { isLimited(.up) ? state.withLock { $0.up.frameBytes } : nil }

    /// Whether `bytes` of `flow` may go now. If not, `connection` is woken when it may ask again.
    func request(_ direction: Direction, _ flow: BandwidthFlow, bytes: Int, by connection: STOQConnection) -> Bool {
        let now = Self.now
        return state.withLock { state in
            if state[direction].request(flow, bytes: bytes, now: now) { return true }
            state.waiters[flow.transfer] = Waiter(connection: connection)
            arm(direction, &state, now: now)
            return false
        }
    }

    /// Counts bytes that ask nobody.
    func charge(_ direction: Direction, _ bytes: Int) {
        guard isLimited(direction) else { return }
        state.withLock { $0[direction].charge(bytes, now: Self.now) }
    }

    /// The transfers `transfer`, of these sets, are over.
    func end(transfer: UInt64, sets: Set<String>) {
        state.withLock { state in
            state.waiters[transfer] = nil
            for set in sets {
                for priority in BandwidthClass.allCases {
                    let flow = BandwidthFlow(priority, set: set, transfer: transfer)
                    state.up.end(flow)
                    state.down.end(flow)
                }
            }
        }
    }

    // MARK: - Time

    /// Sets the timer of a direction, unless an earlier one is set.
    private func arm(_ direction: Direction, _ state: inout State, now: UInt64) {
        guard let next = state[direction].nextTime else { return }
        let at = max(next, now)
        if let set = state.timers[direction], set <= at, set + BandwidthTree.interval > now { return }
        state.timers[direction] = at
        eventLoop.scheduleTask(deadline: .uptimeNanoseconds(at)) { self.distribute(direction) }
    }

    /// Divides what there is, and wakes those who may go on.
    private func distribute(_ direction: Direction) {
        let now = Self.now
        let woken = state.withLock { state in
            state.timers[direction] = nil
            let flows = state[direction].distribute(now: now)
            arm(direction, &state, now: now)
            var seen: Set<UInt64> = []
            return flows.filter { seen.insert($0.transfer).inserted }
                .compactMap { state.waiters[$0.transfer]?.connection }
        }
        for connection in woken {
            connection.onLoop { $0.bandwidthCame() }
        }
    }
}
