import Content
import FleetAPI

extension CommandService {
    /// Forgets what another mirror did to this host, so that it takes part in swarms again.
    func pardon(_ command: AgentCommand, _ line: EventLine) async throws {
        let name = try required(command.mirror, "mirror")
        guard PlainName.accepts(name) else { throw CommandFailure(.refused, "the command names no mirror") }
        let isNews = try await pool.run { [swarms] in try swarms.record.pardon(name) }
        if isNews { await deliverReport() }
        var event = AgentEvent(.done)
        event.isNews = isNews
        try await line.send(event)
    }
}
