/// The registered releases of all sets, in order.
package struct ReleaseHistory: Sendable {
    private let bySet: [String: [RegisteredRelease]]

    /// Takes the releases in any order. Of two with one set and sequence (which a coordinator never registers) the one
    /// with the higher digest is kept, so that the result does not depend on the order.
    package init(_ releases: [RegisteredRelease]) {
        var bySet: [String: [UInt64: RegisteredRelease]] = [:]
        for release in releases {
            if let other = bySet[release.set]?[release.sequence], other.digest >= release.digest { continue }
            bySet[release.set, default: [:]][release.sequence] = release
        }
        self.bySet = bySet.mapValues { releases in
            releases.values.sorted { $0.sequence < $1.sequence }
        }
    }

    /// The release of `set` with the highest sequence.
    package func head(of set: String) -> RegisteredRelease? { bySet[set]?.last }

    /// The release `sequence` of `set`.
    package func release(_ sequence: UInt64, of set: String) -> RegisteredRelease? {
        bySet[set]?.first { $0.sequence == sequence }
    }

    /// The releases of `set` above `sequence` (all of them for nil), oldest first.
    package func releases(of set: String, above sequence: UInt64?) -> ArraySlice<RegisteredRelease> {
        guard let releases = bySet[set] else { return [] }
        guard let sequence else { return releases[...] }
        return releases[(releases.firstIndex { $0.sequence > sequence } ?? releases.count)...]
    }
}
