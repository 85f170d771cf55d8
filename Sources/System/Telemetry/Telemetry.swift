package import Logging

/// How this program tells what it does: one place that makes its loggers.
package enum Telemetry {
    /// A logger that writes lines of `LogfmtLogHandler` on standard error.
    ///
    /// Messages are constant text; what differs from one event to the next is metadata. Nothing is logged at info or
    /// above for a single chunk, frame or file.
    package static func logger(label: String, level: Logger.Level = .info) -> Logger {
        Logger(label: label) { LogfmtLogHandler(label: $0, level: level) }
    }

    /// The level of that name ("trace" to "critical", as a configuration has it); nil for any other word.
    package static func level(_ name: String) -> Logger.Level? { Logger.Level(rawValue: name) }
}
