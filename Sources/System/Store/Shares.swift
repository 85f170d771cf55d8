import Dispatch
import Glibc
import Synchronization

/// Splits work on many files of one file system, or many places of one, between threads.
enum Shares {
    /// One file system gains little from more.
    private static let threadLimit = 4

    /// Calls `body` with the parts of `0..<count`, from several threads at once if there are enough of them; returns when
    /// all have ended, and throws one of their errors.
    /// - Parameter least: fewer are not worth a thread of their own.
    static func run(_ count: Int, atLeast least: Int = 128, _ body: @Sendable (Range<Int>) throws -> Void) throws {
        let processors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let shares = min(processors, threadLimit, count / least)
        guard shares > 1 else { return try body(0..<count) }
        let share = (count + shares - 1) / shares
        let failure = Mutex<(any Error)?>(nil)
        DispatchQueue.concurrentPerform(iterations: shares) { number in
            do {
                try body(min(number * share, count)..<min((number + 1) * share, count))
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
