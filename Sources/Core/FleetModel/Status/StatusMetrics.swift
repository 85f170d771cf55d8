/// The state of the fleet as Prometheus reads it: the same value as the table and `-o json`, so that they cannot disagree.
/// docs/reference/metrics.md lists every metric.
///
/// Labels are names of hosts, sets and regions, and words of this program: never a path or a digest, so that the number of
/// series is bounded by fleet.yaml.
package enum StatusMetrics {
    /// The text of all metrics of `status`, computed by a coordinator of `version`.
    package static func render(_ status: FleetStatus, version: String) -> String {
        var build = MetricFamily("fleet_build_info", "The version of the coordinator.")
        build.add(["version": version], 1)
        var computed = MetricFamily("fleet_status_timestamp_seconds", "When these figures were computed.")
        computed.add([:], Double(status.generatedAt))
        var problems = MetricFamily("fleet_problems", "What the operator should know of, by its code.")
        let byCode = Dictionary(grouping: status.problems, by: \.code).mapValues(\.count)
        for (code, count) in byCode.sorted(by: { $0.key < $1.key }) { problems.add(["code": code], Double(count)) }
        let families = [build, computed, problems] + sets(status) + hosts(status) + hostSets(status)
        return families.map(\.text).joined()
    }

    private static func sets(_ status: FleetStatus) -> [MetricFamily] {
        func family(_ name: String, _ help: String, _ value: (SetStatus) -> Double?) -> MetricFamily {
            var family = MetricFamily("fleet_set_\(name)", help)
            for set in status.sets { family.add(["set": set.name], value(set)) }
            return family
        }
        return [
            family("release_sequence", "The newest registered release.") { $0.head.map { Double($0.sequence) } },
            family("published_timestamp_seconds", "When the newest release was published.") {
                $0.head.map { Double($0.publishedAt) }
            },
            family("files", "Regular files of the newest release.") { $0.head.map { Double($0.files) } },
            family("size_bytes", "Bytes of all files of the newest release.") { $0.head.map { Double($0.bytes) } },
            family("replicas", "Mirrors that serve exactly the newest release.") { Double($0.replicas) },
            family("replicas_current", "Mirrors that serve the newest release or are behind it no longer than max_lag.")
            {
                Double($0.replicasCurrent)
            },
            family("replicas_wanted", "Mirrors that fleet.yaml wants to serve the set.") { Double($0.replicasWanted) },
            family("origin_sent_bytes", "Bytes of the newest release that the origin sent.") { Double($0.originBytes) },
            family("origin_copies_ratio", "How often the origin sent the newest release; 1 is the least there can be.")
            {
                $0.originCopies
            },
        ]
    }

    private static func hosts(_ status: FleetStatus) -> [MetricFamily] {
        var up = MetricFamily("fleet_mirror_up", "1 if the host reports and works, 0 if not.")
        var state = MetricFamily("fleet_mirror_state", "1 for the state of the host, 0 for all others.")
        var reported = MetricFamily("fleet_mirror_report_timestamp_seconds", "When the host reported last.")
        var size = MetricFamily("fleet_mirror_disk_size_bytes", "Size of the host's file system.")
        var free = MetricFamily("fleet_mirror_disk_free_bytes", "Bytes that the agent may still write.")
        var store = MetricFamily("fleet_mirror_store_bytes", "Bytes that the store takes.")
        for mirror in status.mirrors {
            let isDown = mirror.state == .unknown || mirror.state == .down || mirror.state == .failing
            up.add(["mirror": mirror.name, "region": mirror.region, "role": mirror.role.rawValue], isDown ? 0 : 1)
            for each in MirrorState.allCases {
                state.add(["mirror": mirror.name, "state": each.rawValue], each == mirror.state ? 1 : 0)
            }
            let name: KeyValuePairs = ["mirror": mirror.name]
            reported.add(name, mirror.lastSeenSeconds.map { Double(status.generatedAt - $0) })
            size.add(name, mirror.disk.map { Double($0.totalBytes) })
            free.add(name, mirror.disk.map { Double($0.freeBytes) })
            store.add(name, mirror.disk.map { Double($0.storeBytes) })
        }
        return [up, state, reported, size, free, store]
    }

    private static func hostSets(_ status: FleetStatus) -> [MetricFamily] {
        func family(_ name: String, _ help: String, _ value: (MirrorSetStatus) -> Double?) -> MetricFamily {
            var family = MetricFamily("fleet_mirror_\(name)", help)
            for mirror in status.mirrors {
                for set in mirror.sets { family.add(["mirror": mirror.name, "set": set.name], value(set)) }
            }
            return family
        }
        return [
            family("release_sequence", "The release that the host serves.") { $0.sequence.map { Double($0) } },
            family("lag_seconds", "How long the host has been behind the newest release.") {
                $0.lagSeconds.map { Double($0) }
            },
            family("lag_releases", "How many releases the host is behind.") { $0.lagReleases.map { Double($0) } },
            family("verified_timestamp_seconds", "When the host last verified the whole tree.") {
                $0.verifiedAt.map { Double($0) }
            },
            family("missing_bytes", "Bytes that the host is known to miss.") { Double($0.missingBytes) },
            family("bad_paths", "Paths that the host found to be wrong.") { Double($0.badPaths) },
            family("sync_duration_seconds", "How long the last sync took.") { $0.lastSync?.seconds },
        ]
    }
}
