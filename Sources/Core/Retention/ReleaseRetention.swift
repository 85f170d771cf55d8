/// Which releases of a set keep their content, and which changesets outlive theirs. Pure.
package enum ReleaseRetention {
    /// What is known of one set.
    package struct SetState: Hashable, Sendable {
        /// All held releases, in any order.
        package var held: [UInt64]
        package var head: UInt64?
        /// What the set's link shows.
        package var served: UInt64?
        /// Releases with a tree, whatever state it is in.
        package var trees: [UInt64]
        /// How many of the newest are kept.
        package var kept: Int

        package init(held: [UInt64], head: UInt64?, served: UInt64?, trees: [UInt64], kept: Int) {
            self.held = held
            self.head = head
            self.served = served
            self.trees = trees
            self.kept = kept
        }
    }

    /// The held releases that keep their content, ascending: the newest, the head, the served one, and all with a tree.
    ///
    /// One above the head is being made the head, or a crash stopped that: it counts as one of the newest.
    package static func kept(_ set: SetState) -> [UInt64] {
        var kept = Set(set.held.sorted().suffix(max(1, set.kept)))
        kept.formUnion(set.trees)
        if let head = set.head { kept.insert(head) }
        if let served = set.served { kept.insert(served) }
        return set.held.filter { kept.contains($0) }.sorted()
    }

    /// How many of the changesets of past releases stay: `sizes` from the newest on, for as long as their sum is not
    /// above `limit`. Beyond that, whoever is so far behind fares better with the whole tree.
    package static func keptChangesets(sizes: [UInt64], limit: UInt64) -> Int {
        var sum: UInt64 = 0
        for (count, size) in sizes.enumerated() {
            let (total, overflow) = sum.addingReportingOverflow(size)
            if overflow || total > limit { return count }
            sum = total
        }
        return sizes.count
    }
}
