import Content
import STOQ
import STOQTransport
import Trust

/// Takes the fleet's metadata from peers: one round trip for all that is newer.
struct MetadataExchange: Sendable {
    let trust: TrustedRepository
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
}

extension STOQConnection {
    /// For one item, which is small or comes in large parts.
    private static let patience = Duration.seconds(20)

    /// The one item, of at most `limit` bytes, that the peer answers `request` with. Throws `SyncError`, and what ends the
    /// stream.
    func item(_ request: STOQRequest, limit: Int) async throws -> [UInt8] {
        let stream = try await open(request, kind: .metadata, deadline: Self.patience)
        try await stream.finish()
        var rules = STOQAnswerRules(limits: [limit])
        var bytes: [UInt8] = []
        while let message = try await stream.next(
            within: Self.patience, late: SyncError.tooSlow(what: request.name))
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
