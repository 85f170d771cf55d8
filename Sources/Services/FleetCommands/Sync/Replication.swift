package import FleetModel

/// Which mirrors hold a release that was published, of those that are counted: what `publish --replicas` ends with.
package struct Replication: Codable, Equatable, Sendable {
    /// One mirror that carries the set.
    package struct Mirror: Codable, Equatable, Sendable {
        package var name: String
        package var region: String
        /// Whether it serves the release, or a later one, verified.
        package var holds: Bool
        /// Seconds from registering the release to the report that first named it; absent until then.
        package var seconds: Int64?
        /// How far it is, or why it does not hold it.
        package var reason: String?
        /// Bytes that it has fetched, and is to fetch, while it does.
        package var bytesDone: UInt64?
        package var bytesTotal: UInt64?
    }

    /// How many mirrors are to hold it.
    package var wanted: Int
    /// How many do.
    package var held: Int
    /// The regions that count; none: all.
    package var regions: [String]
    /// Those that count, ascending by name.
    package var mirrors: [Mirror]

    /// Whether enough mirrors hold it.
    package var isReached: Bool { held >= wanted }

    /// What `status` says of the release `sequence` of `set`.
    /// - Parameters:
    ///   - carriers: names of the mirrors that carry the set, in the regions that count.
    ///   - regions: none: all.
    package init(
        of sequence: UInt64, set: String, wanted: Int, carriers: [String], regions: [String], in status: FleetStatus
    ) {
        let names = Set(carriers)
        mirrors = status.mirrors.filter { names.contains($0.name) }.map { mirror in
            let state = mirror.sets.first { $0.name == set }
            // What a mirror said that is not heard of any more counts for nothing.
            let isSeen = ![.unknown, .down, .stale].contains(mirror.state)
            let serves = state?.sequence.map { $0 >= sequence } ?? false
            let holds = isSeen && serves && state?.badPaths == 0 && state?.missingBytes == 0
            let progress = state?.progress
            let reason: String? =
                if holds {
                    nil
                } else if !isSeen {
                    mirror.reasons.first ?? mirror.state.rawValue
                } else if let failure = state?.lastSync?.failure, state?.activity != .syncing {
                    failure
                } else {
                    progress?.phase ?? (state?.state ?? mirror.state).rawValue
                }
            return Mirror(
                name: mirror.name, region: mirror.region, holds: holds,
                seconds: holds ? state?.propagationSeconds : nil, reason: reason,
                bytesDone: holds ? nil : progress?.bytesDone, bytesTotal: holds ? nil : progress?.bytesTotal)
        }.sorted { $0.name < $1.name }
        held = mirrors.count(where: \.holds)
        self.wanted = wanted
        self.regions = regions
    }

    /// For people: one line for each mirror.
    package var text: String {
        var table = TextTable(["MIRROR", "REGION", "HOLDS IT", "TIME"], rightAligned: [3])
        for mirror in mirrors {
            table.add([
                mirror.name, mirror.region, mirror.holds ? "yes" : "no: \(mirror.reason ?? "-")",
                mirror.seconds.map { Quantity.describe(seconds: $0) } ?? "-",
            ])
        }
        return table.text(width: nil) + "\(held) mirrors hold it, \(wanted) are wanted"
            + (regions.isEmpty ? "" : " in \(regions.joined(separator: ", "))")
    }
}
