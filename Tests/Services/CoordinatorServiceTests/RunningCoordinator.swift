import CoordinatorService
import FleetModel
import Logging
import ServiceLifecycle
import Synchronization

/// A clock of seconds that moves only when told.
final class TestClock: Sendable {
    private let seconds: Mutex<Int64>

    init(_ start: Int64 = 10_000) {
        seconds = Mutex(start)
    }

    func now() -> Int64 { seconds.withLock { $0 } }

    func advance(_ by: Int64) { seconds.withLock { $0 += by } }
}

/// Runs a coordinator on a free port of 127.0.0.1 while `body` runs, then shuts it down gracefully.
@discardableResult
func withCoordinator<Result: Sendable>(
    _ fleet: TestFleet, configuration: CoordinatorConfiguration? = nil,
    limits: CoordinatorLimits = CoordinatorLimits(), clock: TestClock = TestClock(),
    _ body: @Sendable (NetworkAddress) async throws -> Result
) async throws -> Result {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let (addresses, source) = AsyncStream.makeStream(of: NetworkAddress.self)
    let server = try CoordinatorServer(
        configuration ?? fleet.configuration, limits: limits, logger: logger, now: { clock.now() },
        onListening: { source.yield($0) })
    let group = ServiceGroup(configuration: .init(services: [RunningServer(server: server)], logger: logger))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { source.finish() }
            try await group.run()
        }
        guard let address = await addresses.first(where: { _ in true }) else {
            try await tasks.waitForAll()
            throw TestFailure.setUp
        }
        do {
            let result = try await body(address)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return result
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
    }
}

private struct RunningServer: Service {
    let server: CoordinatorServer

    func run() async throws { try await server.run() }
}
