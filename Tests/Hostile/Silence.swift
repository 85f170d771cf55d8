import FleetCertificates
import STOQ
import STOQTransport

/// What a hostile host serves to those that it asks itself: nothing.
struct Silence: STOQService {
    let fleet: String
    let name: String

    func greeting() async -> STOQGreeting { STOQGreeting(fleet: fleet, name: name) }

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        stream.reset(.notAllowed, "nothing here")
    }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {}
}

extension STOQConnection {
    /// The items of the answer to a request, by their place; nil: not there, or not whole. Throws `STOQError`.
    func items(of request: STOQRequest, kind: StreamKind) async throws -> [[UInt8]?] {
        let stream = try await open(request, kind: kind)
        var items: [[UInt8]?] = Array(repeating: nil, count: request.itemCount)
        var whole: Set<Int> = []
        while let message = try await stream.next() {
            let answer = try STOQAnswer(message)
            for item in answer.items where items.indices.contains(item.index) {
                items[item.index] = (items[item.index] ?? []) + answer.bytes(of: item)
                if item.isLast { whole.insert(item.index) }
            }
        }
        for index in items.indices where !whole.contains(index) { items[index] = nil }
        return items
    }
}

extension STOQStream {
    /// Answers with items under these places, in parts if they are long; nil: not there. Throws `STOQError`.
    func sendAll(_ items: [(index: Int, bytes: [UInt8]?)]) async throws {
        var answer = STOQAnswer.Builder()
        for (index, item) in items {
            guard var rest = item.map({ $0[...] }) else {
                answer.addAbsent(index)
                continue
            }
            repeat {
                if answer.room == 0 { try await send(answer.take()) }
                let part = rest.prefix(answer.room)
                rest = rest.dropFirst(part.count)
                answer.add(index, part, isLast: rest.isEmpty)
            } while !rest.isEmpty
        }
        if !answer.isEmpty { try await send(answer.take()) }
    }
}
