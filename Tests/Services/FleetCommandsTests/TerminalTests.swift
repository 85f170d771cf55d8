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
