import Glibc
package import Logging
import ServiceLifecycle
import UnixSignals

/// What a program does for the service manager beside its work: signs of life, SIGHUP, and word of its end.
package struct ManagedService: Service, CustomStringConvertible {
    private let manager: ServiceManager
    private let logger: Logger
    private let beat: @Sendable () async -> Void
    private let reload: @Sendable () async -> Void

    package let description = "service manager"

    /// From now on SIGHUP does not end the process.
    ///
    /// - Parameters:
    ///   - beat: returns when everything that serves has answered: a sign of life is given only then, so that a
    ///     process whose loops stand still is killed and started again.
    ///   - reload: reads the configuration again, and logs what it found; called for each SIGHUP.
    package init(
        _ manager: ServiceManager, logger: Logger, beat: @escaping @Sendable () async -> Void,
        reload: @escaping @Sendable () async -> Void
    ) {
        signal(SIGHUP, SIG_IGN)
        self.manager = manager
        self.logger = logger
        self.beat = beat
        self.reload = reload
    }

    /// Runs until a graceful shutdown or cancellation. Throws nothing.
    package func run() async throws {
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown {
                await withDiscardingTaskGroup { group in
                    group.addTask { await giveSigns() }
                    group.addTask { await takeReloads() }
                }
            }
        } onGracefulShutdown: {
            manager.stopping("ends what it does")
        }
    }

    private func giveSigns() async {
        guard let interval = manager.watchdogInterval else { return }
        logger.debug("watched", metadata: ["seconds": "\(interval.components.seconds)"])
        while !Task.isCancelled {
            await beat()
            manager.alive()
            try? await Task.sleep(for: interval / 3)
        }
    }

    private func takeReloads() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) {
            manager.reloading()
            await reload()
            manager.reloaded()
        }
    }
}
