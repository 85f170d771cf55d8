/// Divides one direction of a host's bandwidth: between classes, in them between sets by weight, in those between
/// transfers alike. A function of calls and times, without clocks and tasks.
///
/// What nobody uses others may have at once: a share is a promise for times when all want more than there is. The total is
/// never above the limit by more than a burst and what asked nobody (``charge(_:now:)``).
///
/// Who wants to send asks with ``request(_:bytes:now:)``. If that says no, it waits; ``distribute(now:)``, called at
/// ``nextTime``, says who may ask again, and that request then succeeds. A grant that nobody takes up by the next
/// distribution goes to others.
package struct BandwidthTree: Sendable {
    /// Between two distributions; tokens of so much time are divided in one go.
    package static let interval: UInt64 = 4_000_000
    /// So long after another transfer asked, what is there is divided and not taken by who comes first.
    private static let contention: UInt64 = 50_000_000
    /// No set has a larger share beside one of weight 1.
    package static let weightLimit = 1_000
    /// A virtual byte of weight 1.
    private static let scale: UInt64 = 1 << 12

    /// One class, set or transfer. What it has had is counted in virtual bytes: bytes divided by its weight. Of those who
    /// wait the one with the fewest is next.
    private struct Node {
        let parent: Int
        var weight: Int
        var children: [Int] = []
        /// Virtual bytes that it has had; one that comes back begins where the others are.
        var served: UInt64 = 0
        /// Where its children are: what the last one of them that was served had had before.
        var reached: UInt64 = 0
        /// Transfers below it that wait.
        var waiting = 0

        // Of transfers only

        var flow: BandwidthFlow?
        /// Bytes that it asked for last, while it waits.
        var wanted = 0
        /// Bytes that it may send without asking.
        var granted = 0
        var isWaiting = false
        /// Whether it was granted something since the last distribution but one.
        var isFresh = false
    }

    private var bucket: TokenBucket?
    private var weights: [String: Int] = [:]
    private var nodes: [Node]
    private var free: [Int] = []
    private var leaves: [BandwidthFlow: Int] = [:]
    private var sets: [BandwidthClass: [(name: String, node: Int)]] = [:]
    /// The transfer that asked last, and until when another one is taken to be about.
    private var lastFlow: BandwidthFlow?
    private var contendedUntil: UInt64 = 0
    private var distributedAt: UInt64 = 0

    /// A tree for `limit` bytes a second; nil: as much as there is.
    package init(limit: UInt64? = nil, now: UInt64) {
        nodes = [Node(parent: -1, weight: 1)]
        for priority in BandwidthClass.allCases {
            nodes.append(Node(parent: 0, weight: priority.weight))
            nodes[0].children.append(nodes.count - 1)
        }
        bucket = limit.map { TokenBucket(rate: $0, now: now) }
    }

    /// Bytes a second; nil: no limit, and every request succeeds.
    package var limit: UInt64? { bucket?.rate }

    /// How long frames should be now.
    package var frameBytes: Int? { bucket.map { TokenBucket.frameBytes(at: $0.rate) } }

    /// Transfers that wait.
    package var waitingCount: Int { nodes[0].waiting }

    /// Another limit from now on. Call ``distribute(now:)`` after it.
    package mutating func setLimit(_ limit: UInt64?, now: UInt64) {
        guard limit != self.limit else { return }
        if let limit, bucket != nil {
            bucket?.setRate(limit, now: now)
        } else {
            bucket = limit.map { TokenBucket(rate: $0, now: now) }
        }
    }

    /// Shares of sets while they want more than there is; a set that is not named has 1.
    package mutating func setWeights(_ weights: [String: Int]) {
        self.weights = weights.mapValues { min(max($0, 1), Self.weightLimit) }
        for known in sets.values.joined() {
            nodes[known.node].weight = self.weights[known.name] ?? 1
        }
    }

    // MARK: - Asking

    /// Whether `flow` may send `bytes` now; if not, it waits.
    package mutating func request(_ flow: BandwidthFlow, bytes: Int, now: UInt64) -> Bool {
        guard bucket != nil else { return true }
        let leaf = leaf(of: flow)
        if nodes[leaf].granted >= bytes {
            nodes[leaf].granted -= bytes
            return true
        }
        if let lastFlow, lastFlow != flow { contendedUntil = now + Self.contention }
        lastFlow = flow
        if nodes[0].waiting == 0, now >= contendedUntil {
            bucket?.refill(now: now)
            let missing = bytes - nodes[leaf].granted
            if let bucket, bucket.level >= min(missing, bucket.burst), bucket.burst > 0 {
                self.bucket?.take(missing)
                nodes[leaf].granted = 0
                serve(leaf, missing)
                return true
            }
        }
        nodes[leaf].wanted = bytes
        if !nodes[leaf].isWaiting { beginWaiting(leaf) }
        return false
    }

    /// Counts bytes that went without asking: what must never wait.
    package mutating func charge(_ bytes: Int, now: UInt64) {
        bucket?.refill(now: now)
        bucket?.take(bytes)
    }

    /// `flow` is over.
    package mutating func end(_ flow: BandwidthFlow) {
        guard let leaf = leaves.removeValue(forKey: flow) else { return }
        if nodes[leaf].isWaiting { endWaiting(leaf) }
        reclaim(leaf)
        remove(leaf)
    }

    /// When to distribute next, in nanoseconds; nil while nobody waits, or while nothing ever comes.
    package var nextTime: UInt64? {
        guard nodes[0].waiting > 0 else { return nil }
        guard let bucket else { return distributedAt }
        guard let least = waitingLeaves.map({ nodes[$0].wanted - nodes[$0].granted }).min() else { return nil }
        return bucket.time(of: least).map { max($0, distributedAt + Self.interval) }
    }

    /// Divides what there is among those who wait, and says who may go on. What was granted before and not taken up is
    /// divided again.
    package mutating func distribute(now: UInt64) -> [BandwidthFlow] {
        distributedAt = now
        bucket?.refill(now: now)
        for leaf in leaves.values {
            // Sums only: the order in which they are given back makes no difference.
            if !nodes[leaf].isFresh, !nodes[leaf].isWaiting { reclaim(leaf) }
            nodes[leaf].isFresh = false
        }
        guard nodes[0].waiting > 0 else { return [] }
        guard bucket != nil else { return wakeAll() }
        var served: [Int] = []
        while let leaf = next() {
            let bytes = nodes[leaf].wanted - nodes[leaf].granted % max(1, nodes[leaf].wanted)
            guard let bucket, bucket.burst > 0, bucket.level >= min(bytes, bucket.burst) else { break }
            self.bucket?.take(bytes)
            nodes[leaf].granted += bytes
            if !nodes[leaf].isFresh {
                nodes[leaf].isFresh = true
                served.append(leaf)
            }
            serve(leaf, bytes)
        }
        return served.compactMap { leaf in
            endWaiting(leaf)
            return nodes[leaf].flow
        }
    }

    // MARK: - Nodes

    private var waitingLeaves: [Int] { leaves.values.filter { nodes[$0].isWaiting } }

    private mutating func wakeAll() -> [BandwidthFlow] {
        // In the order of nodes, which no dictionary decides.
        waitingLeaves.sorted().compactMap { leaf in
            endWaiting(leaf)
            return nodes[leaf].flow
        }
    }

    /// The transfer that is next: on each level the one of those who wait that has had least.
    private func next() -> Int? {
        guard nodes[0].waiting > 0 else { return nil }
        var node = 0
        while nodes[node].flow == nil {
            guard
                let child = nodes[node].children.filter({ nodes[$0].waiting > 0 })
                    .min(by: { nodes[$0].served < nodes[$1].served })
            else { return nil }
            node = child
        }
        return node
    }

    /// Counts bytes on the way up.
    private mutating func serve(_ leaf: Int, _ bytes: Int) {
        var node = leaf
        while nodes[node].parent >= 0 {
            let parent = nodes[node].parent
            nodes[parent].reached = max(nodes[parent].reached, nodes[node].served)
            nodes[node].served &+= UInt64(bytes) * Self.scale / UInt64(nodes[node].weight)
            node = parent
        }
    }

    /// Gives back what was granted to `leaf`.
    private mutating func reclaim(_ leaf: Int) {
        let bytes = nodes[leaf].granted
        guard bytes > 0 else { return }
        nodes[leaf].granted = 0
        bucket?.giveBack(bytes)
        var node = leaf
        while nodes[node].parent >= 0 {
            let virtual = UInt64(bytes) * Self.scale / UInt64(nodes[node].weight)
            nodes[node].served -= min(nodes[node].served, virtual)
            node = nodes[node].parent
        }
    }

    private mutating func beginWaiting(_ leaf: Int) {
        nodes[leaf].isWaiting = true
        var node = leaf
        while true {
            let parent = nodes[node].parent
            if parent >= 0, nodes[node].waiting == 0 {
                // Who had nothing to send has saved nothing up.
                nodes[node].served = max(nodes[node].served, nodes[parent].reached)
            }
            nodes[node].waiting += 1
            guard parent >= 0 else { return }
            node = parent
        }
    }

    private mutating func endWaiting(_ leaf: Int) {
        nodes[leaf].isWaiting = false
        var node = leaf
        while node >= 0 {
            nodes[node].waiting -= 1
            node = nodes[node].parent
        }
    }

    private mutating func leaf(of flow: BandwidthFlow) -> Int {
        if let leaf = leaves[flow] { return leaf }
        let set: Int
        if let known = sets[flow.priority]?.first(where: { $0.name == flow.set }) {
            set = known.node
        } else {
            set = add(Node(parent: 1 + Int(flow.priority.rawValue), weight: weights[flow.set] ?? 1))
            sets[flow.priority, default: []].append((flow.set, set))
        }
        var node = Node(parent: set, weight: 1)
        node.flow = flow
        let leaf = add(node)
        leaves[flow] = leaf
        return leaf
    }

    private mutating func add(_ node: Node) -> Int {
        var node = node
        // A newcomer begins where the others are.
        node.served = nodes[node.parent].reached
        let index: Int
        if let unused = free.popLast() {
            index = unused
            nodes[index] = node
        } else {
            index = nodes.count
            nodes.append(node)
        }
        nodes[node.parent].children.append(index)
        return index
    }

    /// Removes a transfer, and its set with the last one.
    private mutating func remove(_ leaf: Int) {
        let set = nodes[leaf].parent
        nodes[set].children.removeAll { $0 == leaf }
        free.append(leaf)
        guard nodes[set].children.isEmpty else { return }
        nodes[nodes[set].parent].children.removeAll { $0 == set }
        for priority in BandwidthClass.allCases { sets[priority]?.removeAll { $0.node == set } }
        free.append(set)
    }
}
