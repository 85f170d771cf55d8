/// How much a program logs; the names are those of swift-log.
package enum LogLevel: String, Codable, Sendable, Hashable, CaseIterable {
    /// Everything.
    case trace
    /// What a developer wants to know.
    case debug
    /// What an operator wants to know.
    case info
    /// What is unusual and not wrong.
    case notice
    /// What may become a problem.
    case warning
    /// What went wrong.
    case error
    /// What stops the program.
    case critical
}
