import Content
import STOQ
import STOQTransport
import Store
import Trust

/// Takes the fleet's metadata from peers: one round trip for all that is newer.
struct MetadataExchange: Sendable {
    let trust: TrustedRepository
    let store: Store
    let pool: BlockingPool

    /// Takes what the peer has that is newer. Throws what ends the connection, `UpdateError` if the peer's documents are
    /// refused, `FileError`.
    ///
    /// - Returns: whether something is newer than before.
    @discardableResult
    func update(from peer: STOQConnection) async throws -> Bool {
        let bytes = try await peer.item(
            .metadata(versions: trust.versions.encoded), limit: RepositoryDocuments.maximumByteCount)
        let offered = try RepositoryDocuments(decoding: bytes)
        return try await pool.run { [trust] in try trust.take(offered) }
    }

    /// Whether there is a list of yanked paths that is signed and not in force here. Throws what the database says.
    func lacksYanks() async throws -> Bool {
        try await pool.run { [trust, store] in try !trust.setsWithNewYanks(in: store).isEmpty }
    }

    /// Takes lists of yanked paths that are signed and not in force here, and what they list out of the trees. Throws the last
    /// of what kept it from one; the others are in force then.
    func takeYanks(from peer: STOQConnection) async throws {
        var failure: (any Error)?
        for set in try await pool.run({ [trust, store] in try trust.setsWithNewYanks(in: store) }) {
            do {
                let bytes = try await peer.item(.yanks(set: set), limit: YankList.maximumByteCount)
                try await pool.run { [trust, store] in try trust.apply(yanked: bytes, ofSet: set, to: store) }
            } catch {
                // Of another set the peer may have it.
                failure = error
            }
        }
        if let failure { throw failure }
    }
}

extension STOQConnection {
    /// For one item, which is small or comes in large parts.
    private static let patience = Duration.seconds(20)

    /// The one item, of at most `limit` bytes, that the peer answers `request` with. Throws `SyncError`, and what ends the
    /// stream.
    func item(
        _ request: STOQRequest, limit: Int, within patience: Duration = STOQConnection.patience
    ) async throws -> [UInt8] {
        let stream = try await open(request, kind: request.streamKind, deadline: patience)
        try await stream.finish()
        var rules = STOQAnswerRules(limits: [limit])
        var bytes: [UInt8] = []
        while let message = try await stream.next(
            within: patience, late: SyncError.tooSlow(what: request.name))
        {
            let answer = try STOQAnswer(message)
            try rules.check(answer)
            for item in answer.items {
                bytes += answer.bytes(of: item)
                if item.isLast { return bytes }
            }
        }
        throw SyncError.absent(what: request.name)
    }
}
