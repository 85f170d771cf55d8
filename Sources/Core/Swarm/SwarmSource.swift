/// What one host knows of another that takes part in the swarm of a release.
struct SwarmSource: Sendable {
    /// A request under way.
    struct Open: Sendable {
        let id: UInt64
        let block: Int
        let bytes: Int
        /// Seconds.
        let askedAt: Double
        let expected: Double
        var got = 0
        /// What had come on the connection when it was asked, answers and all.
        let wireBytes: UInt64
        var lastByteAt: Double
        /// Whether others may be asked too.
        var isLate = false
    }

    let name: String
    let isOrigin: Bool
    let isNear: Bool
    /// What it said it has: everything below `complete`, and `have`.
    var complete: UInt32
    var have: OrdinalSet
    /// The blocks of which it has all that is missing here.
    var blocks: BlockSet
    var open: [Open] = []
    /// 0 to 1,000, from what it did in this swarm and before.
    var score: Int
    /// Bytes a second that it delivered in earlier swarms; nil: not known.
    let earlierRate: Double?
    /// Seconds.
    var roundTrip = 0.0
    /// Bytes a second, smoothed; nil before the first delivery.
    var rate: Double?
    var lastByteAt: Double
    var lastHaveAt: Double
    var lastDoneAt = 0.0
    var isSnubbed = false
    var probeAt = 0.0
    var failures = 0
    var isQuarantined = false
    /// What has come on its connection, as far as that was told, and how much of it counted as a sign of life.
    var wireBytes: UInt64 = 0
    var countedBytes: UInt64 = 0
    /// Until when it has no slot, as it said.
    var busyUntil = 0.0

    func holds(_ ordinal: UInt32) -> Bool { ordinal < complete || have.contains(ordinal) }

    /// Requests that were asked together at one time were answered to their end, with so many bytes.
    mutating func delivered(_ got: Int, askedAt: Double, at now: Double) {
        failures = 0
        let began = max(askedAt, lastDoneAt)
        if got > 0, now > began {
            let measured = Double(got) / (now - began)
            rate = rate.map { $0 * 0.7 + measured * 0.3 } ?? measured
        }
        lastDoneAt = now
    }

    /// Whether so little has come since a request was made that others should be asked: a sixteenth of the block in the
    /// time that it may take.
    func isTrickling(_ open: Open, for age: Double, patience: Double) -> Bool {
        let came = max(Double(open.got), Double(wireBytes - min(wireBytes, open.wireBytes)))
        return came / age < Double(BlockCut.byteLimit) / (16 * patience)
    }

    var isSlow: Bool { isSnubbed || open.contains(where: \.isLate) }
}

/// Bytes delivered, by source and in all.
package struct SwarmDelivery: Hashable, Sendable {
    /// The source.
    package let name: String
    /// Bytes a second, smoothed; nil before the first delivery.
    package let bytesPerSecond: Double?
    /// Requests under way.
    package let requests: Int
    /// Whether it is asked for nothing for a while, or for ever.
    package let isPausing: Bool
}
