import Content
import FleetAPI
import FleetModel
import Store

/// Adopting a tree that is on this host.
extension CommandService {
    func adopt(_ command: AgentCommand, _ line: EventLine) async throws {
        let set = try required(command.set, "set")
        let source = try required(command.source, "source")
        let profile = try ChunkProfile(named: required(command.chunkProfile, "chunk profile"))
        let began = ContinuousClock.now
        let outcome = try await withProgress(line) { [store] tell, isCancelled in
            try store.adopt(set: set, source: source, profile: profile) { progress in
                if isCancelled() { throw CancellationError() }
                tell(CommandProgress(phase: "adopt", files: progress.files, bytes: progress.bytes))
            }
        }
        await deliverReport()
        var event = AgentEvent(.done)
        event.adopted = AdoptedSummary(outcome, seconds: (ContinuousClock.now - began).inSeconds)
        try await line.send(event)
    }
}

extension ChunkProfile {
    /// The profile of that name. Throws a `CommandFailure` that lists them.
    init(named name: String) throws(CommandFailure) {
        guard let profile = ChunkProfile(name: name) else {
            throw CommandFailure(
                .refused, "there is no chunk profile \"\(name)\"",
                hint: "use \(ChunkProfile.all.map(\.name).joined(separator: " or ")), as fleet.yaml says of the set")
        }
        self = profile
    }
}

extension Duration {
    /// As a number of seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

extension AdoptedSummary {
    /// What the store found, and how long that took.
    init(_ outcome: AdoptOutcome, seconds: Double) {
        self.init(
            files: outcome.files, bytes: outcome.bytes, linkedFiles: outcome.linkedFiles,
            linkedBytes: outcome.linkedBytes, heldFiles: outcome.heldFiles, knownFiles: outcome.knownFiles,
            otherOwner: outcome.otherOwner, otherMode: outcome.otherMode, extended: outcome.extended,
            otherFileSystem: outcome.otherFileSystem, changed: outcome.changed, unusable: outcome.unusable,
            keptAs: outcome.keptAs, seconds: seconds)
    }
}
