package import Logging
import Synchronization

/// The lowest level that is logged, which all loggers made with it share: it can change while they are used.
package final class LiveLevel: Sendable {
    private let held: Mutex<Logger.Level>

    /// Begins with `level`.
    package init(_ level: Logger.Level) {
        held = Mutex(level)
    }

    /// The level in force.
    package var level: Logger.Level {
        get { held.withLock { $0 } }
        set { held.withLock { $0 = newValue } }
    }
}
