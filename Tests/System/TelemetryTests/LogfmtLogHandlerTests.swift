import Logging
import Synchronization
import Telemetry
import Testing

/// Keeps the lines of one test.
private final class Lines: Sendable {
    private let held = Mutex<[String]>([])
    func add(_ line: [UInt8]) { held.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    var all: [String] { held.withLock { $0 } }
}

private struct Failure: Error, CustomStringConvertible {
    var description: String { "it broke" }
}

@Suite struct LogfmtLogHandlerTests {
    private let lines = Lines()

    private func logger(_ level: Logger.Level = .info) -> Logger {
        let lines = lines
        return Logger(label: "agent") {
            LogfmtLogHandler(
                label: $0, level: LiveLevel(level), now: { (1_767_323_045, 67) }, write: { lines.add($0) })
        }
    }

    @Test func `A line has time, level, message, label and the metadata sorted`() {
        logger().info("set synced", metadata: ["set": "debian", "bytes": "\(12_345)", "chunk.count": "3"])
        #expect(
            lines.all == [
                "time=2026-01-02T03:04:05.067Z level=info msg=\"set synced\" label=agent bytes=12345 chunk.count=3"
                    + " set=debian\n"
            ])
    }

    @Test func `No value can forge a field or a line, or drive a terminal`() {
        let hostile = "x\" level=error msg=\"\nroot\u{1b}[31m\u{202e}\\"
        logger().warning("bad name", metadata: ["path": "\(hostile)", "a=b c\n": "1", "": "2"])
        let line = lines.all[0]
        #expect(
            line.hasSuffix(
                #"label=agent _=2 a_b_c_=1 path="x\" level=error msg=\"\nroot\u{1b}[31m\u{202e}\\""# + "\n"))
        #expect(line.utf8.filter { $0 == 10 }.count == 1)
        #expect(line.utf8.allSatisfy { $0 == 10 || (32..<127).contains($0) })
    }

    @Test func `Empty values and values with spaces are quoted, nested ones are written out`() {
        logger().info("m", metadata: ["a": "", "b": "two words", "c": ["x", "y"], "d": ["k2": "v2", "k1": "v1"]])
        #expect(lines.all[0].hasSuffix(#"a="" b="two words" c="[x, y]" d="{k1: v1, k2: v2}""# + "\n"))
    }

    @Test func `What lies below the level is not written, and the nearest metadata wins`() {
        var logger = logger(.warning)
        logger[metadataKey: "set"] = "from the logger"
        logger.info("nothing")
        logger.error("something", metadata: ["set": "from-the-event"])
        #expect(lines.all.count == 1)
        #expect(lines.all[0].contains(" set=from-the-event"))
    }

    @Test func `A line that is too long is cut and says so`() {
        logger().info("long", metadata: ["value": "\(String(repeating: "\\", count: 100_000))"])
        #expect(lines.all[0].utf8.count < 65_600)
        #expect(lines.all[0].hasSuffix("\" cut=true\n"))
    }

    @Test func `Levels have the names that a configuration uses`() {
        #expect(Telemetry.level("debug") == .debug)
        #expect(Telemetry.level("loud") == nil)
        #expect(Telemetry.logger(label: "x", level: .error).logLevel == .error)
    }

    @Test func `For the journal a line begins with its priority, which no text can change`() {
        let lines = lines
        let logger = Logger(label: "agent") {
            LogfmtLogHandler(
                label: $0, level: LiveLevel(.trace), namesPriority: true, now: { (0, 0) }, write: { lines.add($0) })
        }
        for level in Logger.Level.allCases { logger.log(level: level, "m\n<0>forged") }
        #expect(lines.all.map { $0.prefix(8) } == [7, 7, 6, 5, 4, 3, 2].map { "<\($0)>time=" })
        #expect(lines.all.allSatisfy { $0.utf8.filter { $0 == 10 }.count == 1 })
    }

    @Test func `A level that changes holds for every logger that has none of its own`() {
        let lines = lines
        let level = LiveLevel(.info)
        let logger = Logger(label: "agent") {
            LogfmtLogHandler(label: $0, level: level, now: { (0, 0) }, write: { lines.add($0) })
        }
        var quiet = logger
        quiet.logLevel = .error
        logger.debug("one")
        level.level = .debug
        logger.debug("two")
        quiet.debug("three")
        #expect(lines.all.map { $0.contains("msg=two") || $0.contains("msg=\"two\"") } == [true])
    }
}
