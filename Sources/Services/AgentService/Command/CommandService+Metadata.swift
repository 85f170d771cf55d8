import FleetAPI
import FleetModel
import Trust
import UpdateFramework

/// The fleet's metadata in the hands of operators.
extension CommandService {
    /// Takes the documents that an operator brings, if any, and answers with all that this host has.
    func exchangeMetadata(_ command: AgentCommand, _ line: EventLine) async throws {
        if let bytes = command.metadata?.bytes {
            do {
                let offered = try RepositoryDocuments(decoding: bytes)
                try await pool.run { [trust] in _ = try trust.accept(offered) }
            } catch let error as UpdateError {
                throw CommandFailure(.refused, "the metadata is refused: \(error)", hint: "fleetctl trust show")
            }
        }
        var event = AgentEvent(.item)
        event.item = CommandItem()
        event.item?.bytes = Base64Bytes(trust.documents(newerThan: MetadataVersions()).encode())
        try await line.send(event)
        try await line.send(AgentEvent(.done))
    }
}
