import NIOPosix

/// Threads for work that blocks: files, hashing, the database. Nothing that blocks runs anywhere else.
package struct BlockingPool: Sendable {
    private let pool: NIOThreadPool

    /// Starts `threads` threads.
    package init(threads: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    /// Runs `work` on one of the threads. Throws what it throws, or NIO's error after ``shutdown()``.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await pool.runIfActive(work)
    }

    /// Ends the threads once the work that runs is done.
    /// - Throws: what the pool of threads throws.
    package func shutdown() async throws {
        try await pool.shutdownGracefully()
    }
}
