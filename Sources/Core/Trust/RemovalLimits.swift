package import Content

/// How much of a set one release may take away without a word of its publisher: a mistake, or a thief who has a key,
/// shall not empty every mirror within minutes.
///
/// A host's own configuration sets it; nothing that comes from the coordinator can widen it. A host that is several
/// releases behind allows what hosts in step would have allowed, one release after the other.
package struct RemovalLimits: Hashable, Sendable, Codable {
    /// 20 % of the files or bytes may be removed, and as much may a set shrink.
    package static let standard = RemovalLimits(maxDelete: 20, maxShrink: 20)

    /// The part of the files, or of their bytes, in percent that may be removed: 0 to 100.
    package var maxDelete: Int
    /// The part in percent by which the set's files, or their bytes, may become fewer in all: 0 to 100.
    package var maxShrink: Int

    /// Limits in percent; what is out of range is cut to it.
    package init(maxDelete: Int, maxShrink: Int) {
        self.maxDelete = min(max(maxDelete, 0), 100)
        self.maxShrink = min(max(maxShrink, 0), 100)
    }

    /// Why a host that has release `held` refuses the one that `next` describes; nil if it does not.
    ///
    /// - Parameters:
    ///   - removed: what of `held` the next one does not have; nil if that is not known, and only the totals count.
    ///   - head: the sequence of `held`.
    package func excess(
        from held: ManifestRoot, at head: UInt64, to next: ReleaseDocument, removed: RemovedContent?
    ) -> RemovalExcess? {
        if let confirmed = next.removalConfirmedAt, confirmed > head { return nil }
        let steps = next.sequence - min(head, next.sequence)
        return excess(from: held, to: next.manifest, removed: removed, releases: steps)
    }

    /// The same for two trees with `releases` steps between, whatever the publisher says.
    package func excess(
        from held: ManifestRoot, to next: ManifestRoot, removed: RemovedContent?, releases: UInt64 = 1
    ) -> RemovalExcess? {
        func check(
            _ kind: RemovalExcess.Kind, _ unit: RemovalExcess.Unit, _ total: UInt64, left: UInt64, _ limit: Int
        ) -> RemovalExcess? {
            guard left < Self.least(of: total, limit: limit, releases: releases) else { return nil }
            return RemovalExcess(kind: kind, unit: unit, amount: total - left, total: total, limit: limit)
        }
        if let removed {
            let files = held.files - min(held.files, removed.files)
            let bytes = held.bytes - min(held.bytes, removed.bytes)
            if let excess = check(.removes, .files, held.files, left: files, maxDelete) { return excess }
            if let excess = check(.removes, .bytes, held.bytes, left: bytes, maxDelete) { return excess }
        }
        return check(.shrinks, .files, held.files, left: next.files, maxShrink)
            ?? check(.shrinks, .bytes, held.bytes, left: next.bytes, maxShrink)
    }

    /// Steps beyond this leave nothing to protect unless the limit is nothing.
    private static let stepLimit: UInt64 = 256

    /// What must be left of `total` after so many releases, each of which may take `limit` percent of what was there;
    /// rounded up, so that a part is never taken for a whole.
    static func least(of total: UInt64, limit: Int, releases: UInt64) -> UInt64 {
        var left = total
        for _ in 0..<min(releases, stepLimit) {
            let (high, low) = left.multipliedFullWidth(by: UInt64(100 - limit))
            let (quotient, remainder) = UInt64(100).dividingFullWidth((high, low))
            left = quotient + (remainder > 0 ? 1 : 0)
        }
        return releases > stepLimit && limit > 0 ? 0 : left
    }
}

/// What a release takes away beyond a limit.
package struct RemovalExcess: Hashable, Sendable, CustomStringConvertible {
    /// How it takes away.
    package enum Kind: Hashable, Sendable {
        /// Files are gone, and came under no new path.
        case removes
        /// There is less in all.
        case shrinks
    }

    /// What is counted.
    package enum Unit: String, Hashable, Sendable {
        case files, bytes
    }

    /// How it takes away.
    package let kind: Kind
    /// What is counted.
    package let unit: Unit
    /// How much is taken away, of how much.
    package let amount: UInt64
    /// What there was.
    package let total: UInt64
    /// The limit for one release in percent.
    package let limit: Int

    /// A sentence without its subject: `removes 30 of 100 files (30 %), max_delete is 20 %`.
    package var description: String {
        let percent = Double(amount) / Double(max(total, 1)) * 100
        let tenths = Int((percent * 10).rounded())
        let shown = tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
        let what =
            switch kind {
            case .removes: "removes \(amount) of \(total) \(unit.rawValue)"
            case .shrinks: "has \(amount) of \(total) \(unit.rawValue) less"
            }
        return "\(what) (\(shown) %), \(kind == .removes ? "max_delete" : "max_shrink") is \(limit) %"
    }
}
