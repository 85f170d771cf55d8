import FleetAPI
import FleetModel
import Trust
import UpdateFramework

extension FleetSession {
    /// The host that signs snapshots and timestamps. Throws a `FleetctlError` if fleet.yaml does not say which.
    func keeper() throws -> MirrorPolicy {
        guard let name = fleet.keeper else {
            throw FleetctlError(
                .badConfiguration, "\(file) does not say which host keeps the fleet's metadata",
                hint: "add `keeper: HOST` to its `trust` part")
        }
        return try mirror(name)
    }

    /// Gives new roots, targets and roles of sets to the keeper, which signs them into a new snapshot, and passes that on to
    /// the coordinator. Without documents it only asks.
    ///
    /// - Returns: all that the keeper has then; not verified.
    @discardableResult
    func exchangeMetadata(_ documents: RepositoryDocuments = RepositoryDocuments()) async throws -> RepositoryDocuments
    {
        var command = AgentCommand(.metadata)
        if !documents.isEmpty { command.metadata = Base64Bytes(documents.encode()) }
        let line = try await AgentLine.open(command, to: keeper(), of: self)
        var answer: [UInt8]?
        while let event = try await line.next() {
            answer = event.item?.bytes?.bytes ?? answer
            if event.kind == .done { break }
        }
        await line.close()
        guard let answer else {
            throw FleetctlError(.failed, "the keeper gave no metadata", hint: "look into its log")
        }
        if !documents.isEmpty { await tellCoordinator(answer) }
        return try RepositoryDocuments(decoding: answer)
    }

    /// The metadata that the host `name` has, and the list of yanked paths of `set` that is in force there.
    ///
    /// - Parameters:
    ///   - path: what the head of the set must have; nil: nothing is looked for.
    ///   - change: documents and a list to take first.
    func metadata(
        of set: String, at name: String, path: [UInt8]? = nil,
        taking change: (documents: RepositoryDocuments, list: YankList)? = nil
    ) async throws -> (documents: RepositoryDocuments, list: YankList?) {
        var command = AgentCommand(.metadata, set: set)
        command.path = path.map { Base64Bytes($0) }
        command.metadata = change.map { Base64Bytes($0.documents.encode()) }
        command.yanked = change.map { Base64Bytes($0.list.encode()) }
        let line = try await AgentLine.open(command, to: mirror(name), of: self)
        var item: CommandItem?
        while let event = try await line.next() {
            item = event.item ?? item
            if event.kind == .done { break }
        }
        await line.close()
        guard let item, let bytes = item.bytes?.bytes else {
            throw FleetctlError(.failed, "\(name) gave no metadata", hint: "look into its log")
        }
        if change != nil { await tellCoordinator(bytes) }
        return (try RepositoryDocuments(decoding: bytes), try item.yanked.map { try YankList(decoding: $0.bytes) })
    }

    /// Hosts learn of it from each other anyhow, if the coordinator is away.
    private func tellCoordinator(_ metadata: [UInt8]) async {
        do {
            _ = try await coordinator().submit(metadata: metadata)
        } catch {
            terminal.warn("the keeper has it, but the coordinator was not told: \(error)")
        }
    }
}
