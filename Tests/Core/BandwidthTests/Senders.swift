import Bandwidth
import TestSupport

/// Transfers that share a tree, in steps of virtual time, and what each has sent when.
struct Senders {
    static let step: UInt64 = 1_000_000
    static let second: UInt64 = 1_000_000_000

    var tree: BandwidthTree
    var now: UInt64 = 0
    /// Who has something to send, always; in a fixed order.
    var active: [BandwidthFlow] = []
    private(set) var sent: [BandwidthFlow: Int] = [:]
    /// The most by which what was sent in some stretch of time is above the limit times that stretch.
    private(set) var excess: Int = 0
    private(set) var total = 0
    private var waiting: Set<BandwidthFlow> = []
    /// Sent less allowed, and the lowest value of that so far.
    private var balance: Double = 0
    private var lowest: Double = 0

    init(limit: UInt64?) { tree = BandwidthTree(limit: limit, now: 0) }

    /// Lets `milliseconds` go by; a distribution may be late by up to `jitter` of them.
    mutating func run(milliseconds: Int, jitter: Int = 0, random: inout SplitMix64) {
        var late = 0
        for _ in 0..<milliseconds {
            now += Self.step
            balance -= Double(tree.limit ?? 0) * Double(Self.step) / Double(Self.second)
            lowest = min(lowest, balance)
            if let next = tree.nextTime, next <= now {
                if late > 0 {
                    late -= 1
                } else {
                    for flow in tree.distribute(now: now) { waiting.remove(flow) }
                    late = jitter == 0 ? 0 : Int(random.next() % UInt64(jitter + 1))
                }
            }
            for flow in active where !waiting.contains(flow) { send(flow) }
        }
    }

    /// Another limit; what counts as excess is counted anew.
    mutating func setLimit(_ limit: UInt64?) {
        tree.setLimit(limit, now: now)
        for flow in tree.distribute(now: now) { waiting.remove(flow) }
        (balance, lowest, excess) = (0, 0, 0)
    }

    mutating func end(_ flow: BandwidthFlow) {
        active.removeAll { $0 == flow }
        waiting.remove(flow)
        tree.end(flow)
    }

    mutating func forget() {
        sent = [:]
        total = 0
    }

    func bytes(of set: String) -> Int { sent.filter { $0.key.set == set }.values.reduce(0, +) }

    private mutating func send(_ flow: BandwidthFlow) {
        let bytes = tree.frameBytes ?? 64 << 10
        var frames = 0
        // A socket takes no more than so much at once.
        while frames < 64 {
            guard tree.request(flow, bytes: bytes, now: now) else {
                waiting.insert(flow)
                return
            }
            frames += 1
            sent[flow, default: 0] += bytes
            total += bytes
            balance += Double(bytes)
            excess = max(excess, Int(balance - lowest))
        }
    }
}
