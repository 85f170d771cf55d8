import FleetModel
import Testing

@Suite("The status table says in text what the status says")
struct StatusTableTests {
    @Test("A fleet with a mirror in every kind of trouble")
    func table() {
        var sample = SampleFleet.inSync
        var debian = SampleFleet.set("debian", 1)
        debian.activity = .syncing
        debian.progress = SyncProgress(sequence: 2, phase: "chunks", bytesTotal: 1_000_000, bytesDone: 620_000)
        debian.missingBytes = 380_000
        sample.see("m1", [debian, SampleFleet.set("iso", 1)], at: 998)
        sample.inventory.removeAll { $0.report.mirror == "m2" }
        let text = StatusTable.render(sample.status)
        #expect(
            text == """
                sample  2 mirrors in 1 region
                SET     RELEASE  PUBLISHED  FILES    SIZE  COPIES        ORIGIN SENT  SIGNED BY    ROOT
                debian        2  1m45s ago     10  1.0 MB  0 (2 wanted)            -  1 of 2 keys  root-debian-
                iso           1  8m25s ago     10  1.0 MB  1 (1 wanted)            -  -            root-iso-1

                MIRROR  REGION  ROLE    STATE        SET     RELEASE        LAG   MISSING   SEEN  KEX
                origin  eu      origin  in-sync      debian        2         0s         -     0s  X25519MLKEM768
                origin  eu      origin  in-sync      iso           1         0s         -     0s  X25519MLKEM768
                m1      eu      mirror  syncing 62%  debian        1  1m40s (1)  380.0 kB     2s  X25519MLKEM768
                m1      eu      mirror  in-sync      iso           1         0s         -     2s  X25519MLKEM768
                m2      eu      mirror  unknown      debian        -          -         -  never  -
                m2      eu      mirror  unknown      iso           -          -         -  never  -

                3 problems:
                  debian has 0 of 2 wanted copies
                    hint: fleetctl sync debian --wait
                  m1: debian is 1m40s (1 release) behind, max_lag is 1m
                    hint: fleetctl sync debian --mirror m1 --wait
                  m2 never reported
                    hint: see on m2 whether fleet-agent runs and what its log says

                """)
    }

    @Test("A narrow terminal loses the columns that are needed least")
    func narrow() {
        let text = StatusTable.render(SampleFleet.inSync.status, width: 60)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 60 })
        #expect(text.contains("MIRROR  REGION  STATE    SET     RELEASE  LAG"))
        #expect(!text.contains("KEX"))
        let tiny = StatusTable.render(SampleFleet.inSync.status, width: 1)
        #expect(tiny.contains("MIRROR  STATE    SET     RELEASE  LAG"))
    }

    @Test("Wide letters take two columns and combining marks none")
    func width() {
        #expect(TextTable.width("abc") == 3)
        #expect(TextTable.width("日本") == 4)
        #expect(TextTable.width("e\u{301}") == 1)
        var table = TextTable(["A", "B"])
        table.add(["日本", "x"])
        table.add(["abc", "y"])
        #expect(table.text(width: nil) == "A     B\n日本  x\nabc   y\n")
    }
}
