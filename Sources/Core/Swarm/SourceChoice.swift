/// What counts how much in the choice of a source. Pure: weights and what is known of a source in, a cost out.
///
/// The time that a block would take there is made longer by a bad score and by distance. With a weight of 0 a thing does
/// not count; above 1, bandwidth makes the others count less.
package struct SourceChoice: Hashable, Sendable {
    /// How many times as long a source with score 0 seems, beside once, at weight 1.
    private static let scoreFactor = 4.0
    /// The same of one in another region.
    private static let regionFactor = 3.0
    private static let bestScore = 1_000.0

    /// What came of asking it before.
    package var reputation = 1.0
    /// Being in the same region.
    package var region = 1.0
    /// How fast it delivers.
    package var bandwidth = 1.0

    /// All count alike.
    package init() {}

    /// The cost of asking a source; the lowest is asked first.
    ///
    /// - Parameters:
    ///   - seconds: until it would have delivered.
    ///   - unit: the same of one that nothing is known of; what all take when bandwidth does not count.
    ///   - score: 0 to 1,000, as ``Reputation`` says.
    package func cost(seconds: Double, unit: Double, score: Int, isNear: Bool) -> Double {
        let share = min(bandwidth, 1)
        let scale = max(bandwidth, 1)
        let time = share * seconds + (1 - share) * unit
        let badness = 1 - Double(score) / Self.bestScore
        return time * (1 + reputation / scale * Self.scoreFactor * badness)
            * (1 + (isNear ? 0 : region / scale * Self.regionFactor))
    }

    /// What is known of a source before it is asked in a sync.
    package struct Candidate: Hashable, Sendable {
        package let name: String
        package let isNear: Bool
        package let score: Int
        /// Bytes a second that it delivered before; nil: not known.
        package let bytesPerSecond: Double?

        package init(name: String, isNear: Bool, score: Int, bytesPerSecond: Double?) {
            self.name = name
            self.isNear = isNear
            self.score = score
            self.bytesPerSecond = bytesPerSecond
        }
    }

    /// Sources with the cheapest first; among equals the order stays.
    package func ranked(_ candidates: [Candidate], assumedRate: Double) -> [Candidate] {
        let block = Double(BlockCut.byteLimit)
        return candidates.enumerated().map { offset, candidate in
            let seconds = block / max(candidate.bytesPerSecond ?? assumedRate, 1)
            let cost = cost(
                seconds: seconds, unit: block / assumedRate, score: candidate.score, isNear: candidate.isNear)
            return (cost: cost, offset: offset, candidate: candidate)
        }
        .sorted { ($0.cost, $0.offset) < ($1.cost, $1.offset) }.map(\.candidate)
    }
}
