import Content
import FleetCertificates
import FleetModel
import Logging
import STOQ
import STOQTransport
import Store
import Trust

/// What this host answers its peers: releases, manifest nodes, chunk lists, changesets and chunks of its sets, and the
/// commands of operators.
///
/// Every request names its set and is answered only for a set that this host carries, so nothing tells whether another
/// set has a chunk.
struct PeerService: STOQService {
    /// Bytes of one answer message; the protocol allows a little more.
    static let answerByteLimit = 1 << 20

    let settings: AgentSettings
    let store: Store
    let pool: BlockingPool
    let commands: CommandService
    let logger: Logger
    /// Takes what a peer said about itself, by its name.
    let greeted: @Sendable (STOQGreeting, String) -> Void

    func greeting() async -> STOQGreeting {
        let heads = try? await pool.run { [store] in
            try store.sets().compactMap { set in
                try store.head(set: set).map {
                    STOQGreeting.Head(set: set, sequence: $0.sequence, release: $0.releaseDigest)
                }
            }
        }
        return STOQGreeting(fleet: settings.fleet, name: settings.name, heads: heads ?? [])
    }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {
        logger.debug("greeted", metadata: ["peer": "\(peer.name)", "heads": "\(greeting.heads.count)"])
        if peer.role == .agent || peer.role == .origin { greeted(greeting, peer.name) }
    }

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        do {
            if case .command(let bytes) = request {
                guard peer.role == .operator else {
                    return stream.reset(.notAllowed, "only operators may send commands")
                }
                try await commands.run(bytes, from: peer, on: stream)
            } else {
                try await answer(request, on: stream)
            }
            try await stream.finish()
        } catch let refusal as ServeRefusal {
            stream.reset(refusal.code, refusal.reason)
        } catch let error as StoreError {
            logger.error("a request failed", metadata: ["peer": "\(peer.name)", "error": "\(error)"])
            stream.reset(.internal, "the store of \(settings.name) failed")
        }
    }

    private func answer(_ request: STOQRequest, on stream: STOQStream) async throws {
        let set = request.set ?? ""
        guard try await pool.run({ [store] in try store.sets().contains(set) }) else {
            throw ServeRefusal(.notFound, "no set \(set) here")
        }
        switch request {
        case .release(_, let sequence):
            let signed = try await pool.run { [store] in try store.signedRelease(set: set, sequence: sequence) }
            try await send([signed?.encode()], on: stream)
        case .changeset(_, let digest):
            try await send([try await pool.run { [store] in try store.changeset(digest) }], on: stream)
        case .nodes(_, let digests):
            try await sendAll(digests, on: stream) { [store] in try store.nodes($0) }
        case .chunkLists(_, let digests):
            try await sendAll(digests, on: stream) { [store] in try store.chunkLists($0) }
        case .chunks(_, let digests):
            try await sendChunks(digests, on: stream)
        case .command:
            break
        }
    }

    /// Looked up in one go: nodes have 4 KiB on average, so that some of them fill a message.
    private static let lookUpBatch = 256

    /// Answers with one item for each digest that `look` finds, one message after the other.
    private func sendAll<Key: Sendable>(
        _ digests: [Key], on stream: STOQStream, _ look: @escaping @Sendable ([Key]) throws -> [[UInt8]?]
    ) async throws {
        for from in stride(from: 0, to: digests.count, by: Self.lookUpBatch) {
            let batch = Array(digests[from..<min(from + Self.lookUpBatch, digests.count)])
            try await send(try await pool.run { try look(batch) }, on: stream, from: from)
        }
    }

    /// Sends items whose positions in the request begin at `first`; nil is absent. Large ones go in parts.
    private func send(_ items: [[UInt8]?], on stream: STOQStream, from first: Int = 0) async throws {
        var answer = STOQAnswer.Builder(byteLimit: Self.answerByteLimit)
        for (offset, item) in items.enumerated() {
            guard let item else {
                answer.addAbsent(first + offset)
                continue
            }
            var rest = item[...]
            repeat {
                if answer.room == 0 { try await stream.send(answer.take()) }
                let part = rest.prefix(answer.room)
                rest = rest.dropFirst(part.count)
                answer.add(first + offset, part, isLast: rest.isEmpty)
            } while !rest.isEmpty
        }
        if !answer.isEmpty { try await stream.send(answer.take()) }
    }

    /// Sends chunks in messages of up to a mebibyte, each read in one go from the blobs.
    private func sendChunks(_ digests: [ChunkDigest], on stream: STOQStream) async throws {
        let locations = try await pool.run { [store] in try store.locate(digests) }
        var next = 0
        while next < digests.count {
            let from = next
            let (message, end) = try await pool.run { [store] in
                var answer = STOQAnswer.Builder(byteLimit: Self.answerByteLimit)
                var position = from
                while position < digests.count {
                    guard let location = locations[position] else {
                        answer.addAbsent(position)
                        position += 1
                        continue
                    }
                    let length = Int(location.length)
                    guard answer.isEmpty || length <= answer.room else { break }
                    do {
                        try answer.add(position, count: length) { try store.read(location, into: $0) }
                    } catch is StoreError {
                        // Gone or damaged since: somebody else has it.
                        answer.addAbsent(position)
                    }
                    position += 1
                }
                return (answer.take(), position)
            }
            try await stream.send(message)
            next = end
        }
    }
}

/// A request that is refused in good order.
struct ServeRefusal: Error {
    let code: STOQErrorCode
    let reason: String

    init(_ code: STOQErrorCode, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
