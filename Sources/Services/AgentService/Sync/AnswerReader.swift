import FleetModel
import STOQ
import STOQTransport

/// Reading answers: nothing is kept of one beyond what the request can need, and none is waited for without end.
struct AnswerReader: Sendable {
    let sources: SourcePool

    /// The one item, of at most `limit` bytes, that `source` answers `request` with.
    func single(_ request: STOQRequest, limit: Int, at source: PlanSource) async throws -> [UInt8] {
        var bytes: [UInt8]?
        try await items(request, limits: [limit], at: source) { bytes = $0.first?.bytes ?? bytes }
        guard let bytes else { throw SyncError.absent(what: request.name) }
        return bytes
    }

    /// Gives `take` the items that `source` answers `request` with, each whole, with its position in the request, as
    /// they come: message by message, so that the first wrong one ends it.
    /// - Parameter limits: the most bytes that each item can have.
    func items(
        _ request: STOQRequest, limits: [Int], at source: PlanSource,
        _ take: ([(index: Int, bytes: [UInt8])]) async throws -> Void
    ) async throws {
        var rules = STOQAnswerRules(limits: limits)
        var begun: [UInt8] = []
        try await messages(request, at: source) { message in
            let answer = try STOQAnswer(message)
            try rules.check(answer)
            var items: [(index: Int, bytes: [UInt8])] = []
            for item in answer.items {
                begun += answer.bytes(of: item)
                guard item.isLast else { continue }
                items.append((item.index, begun))
                begun = []
            }
            if !items.isEmpty { try await take(items) }
        }
        try rules.checkEnd()
    }

    /// Gives `take` every message that `source` answers `request` with. Throws ``SyncError/tooSlow(what:)`` when the
    /// next one does not come in time.
    func messages(
        _ request: STOQRequest, at source: PlanSource,
        _ take: (STOQMessage) async throws -> Void
    ) async throws {
        let stream = try await sources.open(request, at: source)
        try await stream.finish()
        var pace = AnswerPace()
        while true {
            let began = ContinuousClock.now
            let late = SyncError.tooSlow(what: request.name)
            guard let message = try await stream.next(within: pace.patience, late: late) else { return }
            pace.received(message.byteCount, after: .now - began)
            sources.received(message.byteCount, from: source.name)
            try await take(message)
        }
    }
}
