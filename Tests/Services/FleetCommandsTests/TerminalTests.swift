import Testing

import FleetCommands
import FleetModel

@Suite("What people read")
struct TerminalTests {
    @Test("Counts have commas", arguments: [(UInt64(7), "7"), (1_234, "1,234"), (1_234_567, "1,234,567")])
    func counts(count: UInt64, text: String) {
        #expect(Quantity.count(count) == text)
    }

    @Test(
        "Decimals are rounded", arguments: [(1.005, 1, "1.0"), (-0.25, 2, "-0.25"), (2.999, 2, "3.00"), (7.0, 0, "7")])
    func decimals(value: Double, digits: Int, text: String) {
        #expect(Quantity.decimal(value, digits: digits) == text)
    }

    @Test(
        "Unix times are civil times, also before 1970 and on leap days",
        arguments: [
            (Int64(0), "1970-01-01 00:00:00Z"), (951_782_400, "2000-02-29 00:00:00Z"),
            (-1, "1969-12-31 23:59:59Z"), (1_795_239_612, "2026-11-21 05:40:12Z"),
        ])
    func civil(time: Int64, text: String) {
        #expect(CivilTime.text(time) == text)
    }

    @Test("The option for the fleet may stand before the command")
    func options() {
        #expect(
            FleetctlArguments.normalised(["-f", "F", "status", "-o", "json"]) == ["status", "-o", "json", "-f", "F"])
        #expect(FleetctlArguments.normalised(["--file=F", "release", "list"]) == ["release", "list", "--file=F"])
        #expect(
            FleetctlArguments.normalised(["-f", "F", "publish", "a", "--", "-x"])
                == ["publish", "a", "-f", "F", "--", "-x"])
        #expect(FleetctlArguments.normalised(["status", "-f", "F"]) == ["status", "-f", "F"])
        #expect(FleetctlArguments.normalised(["-f"]) == ["-f"])
    }

    @Test(
        "A word of a proposed command is quoted where a shell would take it apart",
        arguments: [
            ("/tmp/lab/fleet.yaml", "/tmp/lab/fleet.yaml"), ("/tmp/my lab", "'/tmp/my lab'"), ("", "''"),
            ("it's", #"'it'\''s'"#), ("$HOME", "'$HOME'"), ("a\nb", "'a\nb'"), ("caf\u{E9}", "'caf\u{E9}'"),
        ])
    func words(text: String, word: String) {
        #expect(ShellWord.quoted(text) == word)
    }

    @Test("Arguments that are not UTF-8 are told apart and lead back to their bytes")
    func argumentBytes() {
        let seed = UInt64.random(in: 0 ... .max)
        var state = seed
        // Bytes that begin, go on with or break a scalar, and those of the private plane that stands for bytes.
        let alphabet: [UInt8] = [0x41, 0x2F, 0x80, 0x8F, 0xA9, 0xBC, 0xBF, 0xC3, 0xE2, 0xED, 0xF4, 0xFE, 0xFF]
        var texts: [String: [UInt8]] = [:]
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<(state >> 61) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let text = ArgumentText.text(bytes)
            #expect(ArgumentText.bytes(text) == bytes, "seed \(seed)")
            #expect(texts.updateValue(bytes, forKey: text) ?? bytes == bytes, "seed \(seed)")
        }
        let plain = Array("pool/caf\u{E9}".utf8)
        #expect(ArgumentText.text(plain) == "pool/caf\u{E9}")
        #expect(ArgumentText.isUTF8(ArgumentText.text(plain)))
        #expect(!ArgumentText.isUTF8(ArgumentText.text([0x61, 0xFF])))
        // A character of the plane that stands for bytes is no text either, or two arguments would be one.
        #expect(!ArgumentText.isUTF8(ArgumentText.text([0xF4, 0x8F, 0xBE, 0x80])))
    }

    @Test("A bar gives way before a figure does")
    func narrowTerminals() {
        var view = ProgressView(terminal: .standard)
        let row = ProgressRow(label: "fra1 debian", done: 5 << 30, total: 7 << 30, note: "chunks")
        view.show([ProgressRow(label: row.label, done: 0, total: row.total, note: "")], now: 0)
        view.show([row], now: 10)
        let wide = view.lines([row], columns: 200, limit: 9)[0]
        for figure in ["fra1 debian", "71%", "5.4 GB of 7.5 GB", "536.9 MB/s", "4s left", "chunks"] {
            #expect(wide.contains(figure), "\(wide)")
        }
        #expect(wide.contains("█") && wide.contains("░"))
        for columns in 60..<200 {
            let line = view.lines([row], columns: columns, limit: 9)[0]
            #expect(line.filter { $0 != "█" && $0 != "░" }.count >= wide.filter { $0 != "█" && $0 != "░" }.count - 2)
            if columns >= 70 { #expect(line.count <= columns, "\(line)") }
        }
    }

    @Test("Reports that come shortly after each other are no leap of the rate, and none at all is no rate")
    func unevenReports() {
        var view = ProgressView(terminal: .standard)
        func shown(_ done: UInt64, at now: Double) -> String {
            let row = ProgressRow(label: "m1", done: done, total: 1_000_000_000, note: "")
            view.show([row], now: now)
            return view.lines([row], columns: 200, limit: 9)[0]
        }
        _ = shown(0, at: 0)
        #expect(!shown(400_000, at: 0.002).contains("/s"))
        #expect(shown(10_000_000, at: 1).contains("10.0 MB/s"))
        // Looked at because another mirror reported, and again when a report came 2 ms later.
        for step in 1...20 { #expect(shown(10_000_000, at: 1 + 0.01 * Double(step)).contains("10.0 MB/s")) }
        #expect(shown(12_000_000, at: 1.202).contains("10.0 MB/s"))
        #expect(shown(20_000_000, at: 2).contains("10.0 MB/s"))
        #expect(!shown(20_000_000, at: 8).contains("/s"))
    }

    @Test("More rows than the terminal has are counted, and what goes on is shown first")
    func manyRows() {
        let rows = (1...100).map {
            ProgressRow(label: "m\($0)", done: 0, total: 0, note: "", isFinished: $0 % 10 != 0)
        }
        let lines = ProgressView(terminal: .standard).lines(rows, columns: 80, limit: 20)
        #expect(lines.count == 20)
        #expect(lines.prefix(10).map { String($0.prefix { $0 != " " }) } == (1...10).map { "m\($0)0" })
        #expect(lines.last == "81 more, 90 of 100 have ended")
    }

    @Test(
        "A time on the command line needs a unit",
        arguments: ["90", "s", "-5s", "1y", "0s", "400d", "", "9999999999999d"])
    func badDurations(text: String) {
        #expect(DurationOption(argument: text) == nil)
    }

    @Test(
        "A time on the command line is seconds",
        arguments: [("90s", Int64(90)), ("10m", 600), ("2h", 7_200), ("1h30m", 5_400)])
    func durations(text: String, seconds: Int64) {
        #expect(DurationOption(argument: text)?.seconds == seconds)
    }
}
