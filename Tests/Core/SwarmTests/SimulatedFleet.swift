import Glibc
import TestSupport

/// What a simulated fleet is, and what becomes of it.
struct SimulatedFleet {
    enum Fault: Hashable {
        /// Sends wrong bytes.
        case lies(Int)
        /// Stops at that time, with its connections up.
        case stalls(Int, at: Double)
        case dies(Int, at: Double)
        /// Sends and receives 1 KiB/s from that time on.
        case crawls(Int, at: Double)
        /// Is not there before.
        case joins(Int, at: Double)
        /// The origin is away for so long, and knows nothing after.
        case originAway(at: Double, for: Double)
        case originLost(at: Double)
    }

    /// Sizes of chunks.
    enum Chunks {
        case equal(Int)
        /// As a content-defined chunker makes them: exponential above the least, cut at the most.
        case varied(least: Int, mean: Int, most: Int)
    }

    /// Mbit/s.
    static let mbit = 1e6 / 8

    var mirrors = 8
    var bytes = 256 << 20
    var chunks = Chunks.equal(256 << 10)
    var quantum = 16 << 10
    /// Mbit/s, of mirror 1 and so on around.
    var uplinks: [Double] = [100]
    var downlink = 100.0
    var originUplink = 100.0
    /// How often the origin may send each byte.
    var originCopies = 1.0
    /// Seconds one way.
    var latency = 0.000_1
    var regions = 1
    /// Mbit/s each way between regions.
    var regionRate: Double?
    var regionLatency = 0.01
    /// Neighbours of a mirror, and mirrors that the origin talks to; nil: all.
    var neighbours: Int?
    var faults: [Fault] = []
    /// Chunks that mirrors have at the beginning, as a share, at random.
    var present: [Int: Double] = [:]
    var seed: UInt64 = 1

    /// The lengths of the chunks.
    func lengths() -> [UInt32] {
        var generator = SplitMix64(seed: seed &+ 77)
        var lengths: [UInt32] = []
        var left = bytes
        while left > 0 {
            var length: Int
            switch chunks {
            case .equal(let size): length = size
            case .varied(let least, let mean, let most):
                let uniform = Double(generator.next() >> 11) / Double(1 << 53)
                length = min(most, least + Int(Double(mean - least) * -log(1 - uniform)))
            }
            length = min(length, left)
            lengths.append(UInt32(length))
            left -= length
        }
        return lengths
    }

    func isHealthy(_ mirror: Int) -> Bool {
        !faults.contains { fault in
            switch fault {
            case .lies(mirror), .stalls(mirror, _), .dies(mirror, _), .crawls(mirror, _): true
            default: false
            }
        }
    }

    func joinTime(_ mirror: Int) -> Double {
        for case .joins(mirror, let at) in faults { return at }
        return 0
    }

    /// Pairs of hosts that are connected; 0 is the origin.
    func pairs() -> [(Int, Int)] {
        var generator = SplitMix64(seed: seed &+ 99)
        let all = Array(1...mirrors)
        guard let neighbours, neighbours < mirrors - 1 else {
            return all.map { (0, $0) } + all.flatMap { a in all.filter { $0 > a }.map { (a, $0) } }
        }
        var pairs: Set<[Int]> = []
        for _ in 0..<neighbours / 2 {
            let ring = all.shuffled(using: &generator)
            for (a, b) in zip(ring, ring[1...] + ring[...0]) { pairs.insert([min(a, b), max(a, b)]) }
        }
        let first = all.shuffled(using: &generator).prefix(neighbours)
        return first.map { (0, $0) } + pairs.sorted { $0.lexicographicallyPrecedes($1) }.map { ($0[0], $0[1]) }
    }

    struct Outcome {
        /// When each healthy mirror had everything; seconds.
        var doneAt: [Int: Double] = [:]
        var unfinished: [Int] = []
        /// Bytes that left the origin, by those of the release.
        var originCopies = 0.0
        /// By lease count.
        var leasedCopies = 0.0
        var again: [String: UInt64] = [:]
        /// Bytes that crossed between regions by those of the release; the busier direction.
        var crossings = 0.0
        /// Bytes that healthy mirrors received and had already, by what they received.
        var duplicates = 0.0
        /// Requests that were made for a block while another was under way.
        var hedged = 0
        var messages = 0
        var events = 0
        /// Chunks offered that were not verified.
        var unverifiedOffers = 0
        var openLeases = 0
        /// By the size of the release and the origin's uplink.
        var ideal = 0.0
        /// Chunks that some live mirror has at the end, and another lacks.
        var unevenChunks = 0
        /// What the live mirror with the least has, by the chunks of the release.
        var leastShare = 0.0

        var last: Double { doneAt.values.max() ?? .infinity }
        var ratio: Double { unfinished.isEmpty ? last / ideal : .infinity }

        var text: String {
            """
            last \(rounded(last)) s, x\(rounded(ratio)) of \(rounded(ideal)) s; origin \(rounded(originCopies)) copies, \
            leased \(rounded(leasedCopies)), again \(again.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }), \
            crossed \(rounded(crossings)), twice \(rounded(duplicates)), hedged \(hedged), \(messages) messages, \
            \(events) events, unfinished \(unfinished), open leases \(openLeases), uneven \(unevenChunks)
            """
        }

        private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
    }
}
