import Content
import FleetAPI
import FleetModel
import Logging
import Store
import Synchronization

/// Verifying what the store holds.
extension CommandService {
    func verify(_ command: AgentCommand, _ line: EventLine) async throws {
        let sets = try await pool.run { [store] in try store.sets() }.filter { command.set == nil || $0 == command.set }
        for set in sets { activity.update(set, isNews: false) { $0.activity = .verifying } }
        defer {
            for set in sets { activity.update(set, isNews: false) { $0.activity = .idle } }
        }
        let began = ContinuousClock.now
        let mode: VerifyMode = command.quick == true ? .quick : .full
        let outcome = try await withProgress(line) { [store] tell, isCancelled in
            try store.verify(
                mode, set: command.set,
                progress: {
                    tell(
                        CommandProgress(
                            phase: "verify", files: $0.files, bytes: $0.bytes, totalBytes: $0.totalBytes))
                },
                isCancelled: isCancelled)
        }
        for bad in outcome.bad {
            var event = AgentEvent(.bad)
            event.bad = BadPathEvent(
                set: bad.set, path: bad.path.description, blob: bad.blob?.description ?? "-", reason: bad.reason)
            try await line.send(event)
            logger.error(
                "a bad path was found",
                metadata: ["set": "\(bad.set)", "path": "\(bad.path)", "reason": "\(bad.reason)"])
        }
        for set in sets { activity.update(set, isNews: false) { $0.activity = .idle } }
        await deliverReport()
        let elapsed = (ContinuousClock.now - began).components
        var event = AgentEvent(.done)
        event.summary = CommandSummary(
            files: outcome.files, bytes: outcome.bytes,
            bad: UInt64(outcome.bad.count + outcome.unreferencedBadBlobs.count),
            seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
        try await line.send(event)
    }

    /// Runs `work` on a blocking thread and sends what it tells, at most every 200 ms. `work` asks `isCancelled` now and
    /// then: it is true once this task is cancelled, or the operator that would hear of the end has gone away.
    func withProgress<Value: Sendable>(
        _ line: EventLine,
        _ work:
            @escaping @Sendable (
                _ tell: @escaping @Sendable (CommandProgress) -> Void, _ isCancelled: @escaping @Sendable () -> Bool
            ) throws -> Value
    ) async throws -> Value {
        let latest = LatestProgress()
        let cancellation = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await run(work, latest, cancellation, line)
        } onCancel: {
            cancellation.set()
        }
    }

    private func run<Value: Sendable>(
        _ work:
            @escaping @Sendable (
                _ tell: @escaping @Sendable (CommandProgress) -> Void, _ isCancelled: @escaping @Sendable () -> Bool
            ) throws -> Value,
        _ latest: LatestProgress, _ cancellation: CancellationFlag, _ line: EventLine
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await pool.run { try work({ latest.set($0) }, { cancellation.isSet }) } }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(200))
                    guard let progress = latest.take() else { continue }
                    var event = AgentEvent(.progress)
                    event.progress = progress
                    try await line.send(event)
                }
                return nil
            }
            defer {
                cancellation.set()
                group.cancelAll()
            }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }
}

/// The newest progress that was not sent yet.
private final class LatestProgress: Sendable {
    private let state = Mutex<CommandProgress?>(nil)

    func set(_ progress: CommandProgress) {
        state.withLock { $0 = progress }
    }

    func take() -> CommandProgress? {
        state.withLock { progress in
            defer { progress = nil }
            return progress
        }
    }
}

/// A flag that work on another thread looks at.
private final class CancellationFlag: Sendable {
    private let state = Mutex(false)

    var isSet: Bool { state.withLock { $0 } }

    func set() {
        state.withLock { $0 = true }
    }
}
