package import Content

/// What came of asking each source, over releases and starts of the program (docs/decisions/0014-swarm.md).
///
/// Pure: times are seconds since 1970 and come from the caller, who keeps the bytes. Scores go from 0 to 1,000; who is
/// not known has 1,000. A source that sent what is wrong is cut off at once, for longer each time, until that time is over
/// or an operator pardons it. What lies back fades: half of what is missing from 1,000 each hour.
package struct Reputation: Hashable, Sendable {
    /// What came of one request.
    package enum Outcome: Hashable, Sendable {
        case success, failure, timeout
        /// Bytes that are not what was asked for.
        case invalid
    }

    /// What is known of one source.
    package struct Standing: Hashable, Sendable {
        /// The source.
        package let name: String
        /// 0 to 1,000.
        package let score: Int
        /// How often it sent what is wrong.
        package let offences: Int
        /// Until when it is asked for nothing; seconds since 1970. Nil if it may be asked.
        package let cutOffUntil: Int64?
    }

    private struct Entry: Hashable {
        var score: Int
        var offences = 0
        var until: Int64 = 0
        var at: Int64
    }

    /// The score of one of whom nothing bad is known.
    package static let best = 1_000
    /// The most sources that are remembered.
    package static let nameLimit = 4_096
    /// How long the first cut-off is: seconds. Doubled each time, up to ``longestCutOff``.
    package static let firstCutOff: Int64 = 3_600
    package static let longestCutOff: Int64 = 7 * 86_400
    private static let version: UInt8 = 1
    private static let offenceLimit = 255
    private static let halfLife: Int64 = 3_600

    private var entries: [String: Entry] = [:]

    /// Nothing is known of anybody.
    package init() {}

    // MARK: Events

    /// Takes note of what came of a request.
    package mutating func note(_ outcome: Outcome, of name: String, now: Int64) {
        var entry = entries[name] ?? Entry(score: Self.best, at: now)
        entry.score = score(of: name, now: now)
        entry.at = max(entry.at, now)
        switch outcome {
        case .success: entry.score += (Self.best - entry.score + 19) / 20
        case .failure: entry.score -= entry.score / 5
        case .timeout: entry.score -= entry.score * 3 / 10
        case .invalid:
            entry.score = 0
            entry.offences = min(entry.offences + 1, Self.offenceLimit)
            let pause = Self.firstCutOff << Int64(min(entry.offences - 1, 10))
            entry.until = Self.later(now, min(pause, Self.longestCutOff))
        }
        entries[name] = entry
        // One of whom nothing bad is known need not be remembered.
        if entry.score == Self.best, entry.offences == 0 { entries[name] = nil }
        if entries.count > Self.nameLimit { forgetOne(now) }
    }

    /// An operator lets a source take part again, as one of whom nothing is known. False if nothing was.
    package mutating func pardon(_ name: String) -> Bool { entries.removeValue(forKey: name) != nil }

    // MARK: Questions

    /// 0 to 1,000: how much a source is worth asking.
    package func score(of name: String, now: Int64) -> Int {
        guard let entry = entries[name] else { return Self.best }
        guard now > entry.at else { return entry.score }
        let (passed, isFar) = now.subtractingReportingOverflow(entry.at)
        let halvings = isFar ? 62 : min(passed / Self.halfLife, 62)
        return Self.best - (Self.best - entry.score) >> Int(halvings)
    }

    /// Whether a source is asked for nothing.
    package func isCutOff(_ name: String, now: Int64) -> Bool { entries[name].map { $0.until > now } ?? false }

    /// All that is known, by name.
    package func standings(now: Int64) -> [Standing] {
        entries.sorted { $0.key < $1.key }.map { name, entry in
            Standing(
                name: name, score: score(of: name, now: now), offences: entry.offences,
                cutOffUntil: entry.until > now ? entry.until : nil)
        }
    }

    // MARK: Bytes

    /// The bytes to keep; equal reputations have equal bytes.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 8 + 40 * entries.count)
        writer.u8(Self.version)
        writer.varint(UInt64(entries.count))
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            writer.lengthPrefixed(Array(name.utf8))
            writer.u16(UInt16(entry.score))
            writer.u8(UInt8(entry.offences))
            writer.i64(entry.until)
            writer.i64(entry.at)
        }
        return writer.bytes
    }

    /// Reads what ``encode()`` wrote. Throws `CodecError` for any other bytes.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        let version = try reader.u8()
        guard version == Self.version else { throw reader.malformed("a reputation of version \(version)") }
        var last: String?
        for _ in 0..<(try reader.count(max: Self.nameLimit)) {
            let name = try reader.plainName()
            if let last, last >= name { throw reader.malformed("names are not in order") }
            last = name
            let score = Int(try reader.u16())
            guard score <= Self.best else { throw reader.malformed("a score of \(score)") }
            let offences = Int(try reader.u8())
            entries[name] = Entry(score: score, offences: offences, until: try reader.i64(), at: try reader.i64())
        }
        try reader.expectEnd()
    }

    // MARK: Parts

    private static func later(_ now: Int64, _ seconds: Int64) -> Int64 {
        let (sum, isTooFar) = now.addingReportingOverflow(seconds)
        return isTooFar ? .max : sum
    }

    /// Forgets the one of whom the least bad is known.
    private mutating func forgetOne(_ now: Int64) {
        let least = entries.max { one, other in
            let (a, b) = (one.value.until > now, other.value.until > now)
            if a != b { return a }
            return (score(of: one.key, now: now), one.key) < (score(of: other.key, now: now), other.key)
        }
        if let least { entries[least.key] = nil }
    }
}
