import Content
import FleetAPI
import FleetModel
import Store
import Trust
import UpdateFramework

/// The fleet's metadata in the hands of operators.
extension CommandService {
    /// Takes the documents that an operator brings, if any, and answers with all that this host has.
    func exchangeMetadata(_ command: AgentCommand, _ line: EventLine) async throws {
        if let set = command.set, let path = command.path?.bytes { try await expect(path, in: set) }
        if let bytes = command.metadata?.bytes {
            do {
                let offered = try RepositoryDocuments(decoding: bytes)
                try await pool.run { [trust] in _ = try trust.accept(offered) }
            } catch let error as UpdateError {
                throw CommandFailure(.refused, "the metadata is refused: \(error)", hint: "fleetctl trust show")
            }
        }
        if let set = command.set, let list = command.yanked?.bytes {
            do {
                try await pool.run { [trust, store] in try trust.apply(yanked: list, ofSet: set, to: store) }
            } catch let error as TrustError {
                throw CommandFailure(.refused, "the list of yanked paths is refused: \(error)")
            }
            await deliverReport()
        }
        var event = AgentEvent(.item)
        event.item = CommandItem()
        if let set = command.set {
            event.item?.yanked = try await pool.run { [store] in try store.yankList(set: set) }.map { Base64Bytes($0) }
        }
        event.item?.bytes = Base64Bytes(trust.documents(newerThan: MetadataVersions()).encode())
        try await line.send(event)
        try await line.send(AgentEvent(.done))
    }

    /// Throws unless the head of `set` has something at `bytes`.
    private func expect(_ bytes: [UInt8], in set: String) async throws {
        let path: RelativePath
        do {
            path = try RelativePath(bytes)
        } catch {
            throw CommandFailure(.refused, "not a path: \(error)")
        }
        let isThere = try await pool.run { [store] in
            guard let head = try store.head(set: set) else { return false }
            return try ManifestTree.entry(at: path, root: head.root, source: store.node) != nil
        }
        guard isThere else {
            throw CommandFailure(
                .notFound, "the newest release of \(set) has nothing at \(path)", hint: "fleetctl release show \(set) N"
            )
        }
    }
}
