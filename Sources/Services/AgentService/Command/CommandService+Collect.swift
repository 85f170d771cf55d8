import FleetAPI
import FleetModel
import Store

/// Dropping what the store needs no longer.
extension CommandService {
    /// How long a command waits for the collection that runs already.
    private static let collectPatience = Duration.seconds(60)

    func collect(_ command: AgentCommand, _ line: EventLine) async throws {
        let began = ContinuousClock.now
        let isDryRun = command.dryRun ?? false
        let outcome = try await collectWhenFree(isDryRun: isDryRun)
        if !isDryRun { await deliverReport() }
        let elapsed = (ContinuousClock.now - began).components
        var event = AgentEvent(.done)
        event.collected = CollectedSummary(
            releases: outcome.releases, blobs: outcome.blobs, files: outcome.files + outcome.litterFiles,
            bytes: outcome.bytes + outcome.litterBytes, isComplete: outcome.isComplete,
            waitedFor: outcome.waitedFor,
            seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
        try await line.send(event)
    }

    /// Collects once no other collection runs: the one in the background is mostly short.
    private func collectWhenFree(isDryRun: Bool) async throws -> CollectionOutcome {
        let deadline = ContinuousClock.now + Self.collectPatience
        while true {
            do {
                return try await pool.run { [store, settings] in
                    let isFull = try settings.disk.isAboveHighWater(store.usage())
                    return try store.collect(
                        CollectionOptions(dryRun: isDryRun, keepsOnlyServed: isFull, findsLitter: true))
                }
            } catch StoreError.collecting where ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
