import Glibc
package import Logging
import ServiceLifecycle
import UnixSignals

/// Says that SIGHUP, by which service managers ask for a reload, does nothing yet. Without it the signal would end the
/// program at once, with whatever it was doing.
package struct ReloadNotice: Service, CustomStringConvertible {
    private let logger: Logger

    package let description = "reload notice"

    /// From now on SIGHUP does not end the process.
    package init(logger: Logger) {
        signal(SIGHUP, SIG_IGN)
        self.logger = logger
    }

    /// Logs each SIGHUP until a graceful shutdown or cancellation. Throws nothing.
    package func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            logger.warning("reload is not supported yet; restart")
        }
    }
}
