import LinuxIO
import NIOPosix

/// Threads for work that blocks: files, hashing, the database. Nothing that blocks runs anywhere else.
package struct BlockingPool: Sendable {
    private let pool: NIOThreadPool
    /// What nobody waits for yet: it gets the processor when the others leave it.
    private let yielding: NIOThreadPool

    /// Enough to copy what two sets hold; more of them would only take turns.
    private static let yieldingThreads = 2

    /// Starts `threads` threads, and a few more for work that yields.
    package init(threads: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
        yielding = NIOThreadPool(numberOfThreads: Self.yieldingThreads)
        yielding.start()
    }

    /// Runs `work` on one of the threads. Throws what it throws, or NIO's error after ``shutdown()``.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await pool.runIfActive(work)
    }

    /// Runs `work` where it takes little from work that somebody waits for: from what serves, receives and verifies.
    /// Throws what it throws, or NIO's error after ``shutdown()``.
    func runYielding<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await yielding.runIfActive {
            // Each time, since a pool does not say when its threads begin; the call costs nothing beside the work.
            lowerPriorityOfThread()
            return try work()
        }
    }

    /// Ends the threads once the work that runs is done.
    /// - Throws: what the pools of threads throw.
    package func shutdown() async throws {
        try await pool.shutdownGracefully()
        try await yielding.shutdownGracefully()
    }
}
