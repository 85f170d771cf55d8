import FleetModel
import STOQ
import STOQTransport

/// Reading the answers to metadata requests.
extension SetSync {
    /// More than this for one item is no metadata of ours (a changeset has at most 256 MiB).
    private static let itemLimit = 256 << 20

    /// The one item that `source` answers `request` with.
    func single(_ request: STOQRequest, at source: PlanSource) async throws -> [UInt8] {
        guard let item = try await items(request, at: source).first else {
            throw SyncError.absent(what: "\(request.name)")
        }
        return item.bytes
    }

    /// The items that `source` answers `request` with, each whole, by their position in the request.
    func items(_ request: STOQRequest, at source: PlanSource) async throws -> [(index: Int, bytes: [UInt8])] {
        let stream = try await sources.open(request, kind: .metadata, at: source)
        try await stream.finish()
        var items: [(index: Int, bytes: [UInt8])] = []
        var partial: (index: Int, bytes: [UInt8])?
        while let message = try await stream.next() {
            sources.received(message.byteCount, from: source)
            let answer = try STOQAnswer(message)
            for item in answer.items {
                guard item.index < request.itemCount else {
                    throw SyncError.malformed(what: request.name, reason: "item \(item.index) was not asked for")
                }
                var bytes = message.withUnsafeBytes { [UInt8]($0[item.range]) }
                if let begun = partial {
                    guard begun.index == item.index, begun.bytes.count + bytes.count <= Self.itemLimit else {
                        throw SyncError.malformed(what: request.name, reason: "its parts are mixed up")
                    }
                    bytes = begun.bytes + bytes
                    partial = nil
                }
                if item.isLast {
                    items.append((item.index, bytes))
                } else {
                    partial = (item.index, bytes)
                }
            }
        }
        guard partial == nil else { throw SyncError.malformed(what: request.name, reason: "its end is missing") }
        return items
    }
}
