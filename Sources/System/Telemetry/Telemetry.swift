import Glibc
package import Logging

/// How this program tells what it does: one place that makes its loggers.
package enum Telemetry {
    /// A logger that writes lines of `LogfmtLogHandler` on standard error.
    ///
    /// Messages are constant text; what differs from one event to the next is metadata. Nothing is logged at info or
    /// above for a single chunk, frame or file.
    package static func logger(label: String, level: Logger.Level = .info) -> Logger {
        logger(label: label, level: LiveLevel(level))
    }

    /// The same with a level that can change later.
    package static func logger(label: String, level: LiveLevel) -> Logger {
        Logger(label: label) { LogfmtLogHandler(label: $0, level: level, namesPriority: writesToJournal) }
    }

    /// The level of that name ("trace" to "critical", as a configuration has it); nil for any other word.
    package static func level(_ name: String) -> Logger.Level? { Logger.Level(rawValue: name) }

    /// Writes `text`, why a program ends, on standard error; for the journal each line with the priority of an error.
    package static func complain(_ text: String) {
        let lines = text.split(separator: "\n").map { (writesToJournal ? "<3>" : "") + $0 + "\n" }
        LogfmtLogHandler.writeToStandardError(Array(lines.joined().utf8))
    }

    /// Whether standard error is the stream to the journal that `JOURNAL_STREAM` names, and not one that it was
    /// redirected to.
    private static let writesToJournal: Bool = {
        var file = stat()
        guard let named = getenv("JOURNAL_STREAM"), fstat(STDERR_FILENO, &file) == 0 else { return false }
        return String(cString: named) == "\(file.st_dev):\(file.st_ino)"
    }()
}
