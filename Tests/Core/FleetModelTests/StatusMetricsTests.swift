import FleetModel
import Testing

@Suite("The metrics say for Prometheus what the status says")
struct StatusMetricsTests {
    @Test("A mirror that lags, one that never reported, a set without a release")
    func text() {
        var sample = SampleFleet.inSync
        var debian = SampleFleet.set("debian", 1)
        debian.missingBytes = 380_000
        debian.lastSync = SyncSummary(
            sequence: 1, seconds: 2.5, bytesBySource: ["origin": 750_000], chunksFetched: 3, chunksReused: 0)
        sample.see("m1", [debian, SampleFleet.set("iso", 1)], at: 998)
        sample.inventory.removeAll { $0.report.mirror == "m2" }
        let lines = StatusMetrics.render(sample.status, version: "1.2").split(separator: "\n").map(String.init)
        let wanted = [
            "# HELP fleet_build_info The version of the coordinator.", "# TYPE fleet_build_info gauge",
            #"fleet_build_info{version="1.2"} 1"#,
            "fleet_status_timestamp_seconds 1000",
            #"fleet_problems{code="unknown"} 1"#,
            #"fleet_set_release_sequence{set="debian"} 2"#,
            #"fleet_set_replicas{set="debian"} 0"#, #"fleet_set_replicas_wanted{set="debian"} 2"#,
            #"fleet_set_size_bytes{set="iso"} 1000000"#,
            #"fleet_mirror_up{mirror="origin",region="eu",role="origin"} 1"#,
            #"fleet_mirror_up{mirror="m2",region="eu",role="mirror"} 0"#,
            #"fleet_mirror_state{mirror="m2",state="unknown"} 1"#,
            #"fleet_mirror_state{mirror="m2",state="in-sync"} 0"#,
            #"fleet_mirror_report_timestamp_seconds{mirror="m1"} 998"#,
            #"fleet_mirror_disk_free_bytes{mirror="m1"} 50000000000"#,
            #"fleet_mirror_release_sequence{mirror="m1",set="debian"} 1"#,
            #"fleet_mirror_lag_seconds{mirror="m1",set="debian"} 100"#,
            #"fleet_mirror_lag_releases{mirror="m1",set="debian"} 1"#,
            #"fleet_mirror_lag_seconds{mirror="m1",set="iso"} 0"#,
            #"fleet_mirror_missing_bytes{mirror="m1",set="debian"} 380000"#,
            #"fleet_mirror_sync_duration_seconds{mirror="m1",set="debian"} 2.5"#,
        ]
        for line in wanted { #expect(lines.contains(line), "\(line)\n\(lines.joined(separator: "\n"))") }
        // What is not known is no sample, and not zero.
        let m2 = #"{mirror="m2""#
        #expect(!lines.contains { $0.contains("_report_timestamp_seconds" + m2) })
        #expect(!lines.contains { $0.contains("_release_sequence" + m2) || $0.contains("_lag_seconds" + m2) })
    }

    @Test("Every metric has one help and one type, before its samples, which differ")
    func format() {
        let lines = StatusMetrics.render(SampleFleet.inSync.status, version: "1").split(separator: "\n")
        var (described, seen): (Set<Substring>, Set<Substring>) = ([], [])
        for line in lines {
            let words = line.split(separator: " ")
            if line.hasPrefix("# HELP ") {
                #expect(described.insert(words[2]).inserted, "\(line)")
            } else if !line.hasPrefix("# TYPE ") {
                let name = line.prefix { $0 != "{" && $0 != " " }
                #expect(described.contains(name), "\(line)")
                #expect(seen.insert(line[..<line.lastIndex(of: " ")!]).inserted, "\(line)")
                #expect(Double(words.last ?? "") != nil, "\(line)")
            }
        }
        #expect(seen.count > 50)
    }

    @Test("A label is escaped")
    func escaped() {
        let text = StatusMetrics.render(SampleFleet.inSync.status, version: "a\"b\\c\nd")
        #expect(text.contains(#"fleet_build_info{version="a\"b\\c\nd"} 1"#))
    }
}
