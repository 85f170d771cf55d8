import Content
import FleetCertificates
package import STOQ
package import STOQTransport
package import Store
import Trust

/// Answers requests for releases, manifest nodes, chunk lists, changesets and chunks from a store.
package struct ContentService: Sendable {
    /// Bytes of one answer message; the protocol allows a little more.
    private static let answerByteLimit = 1 << 20
    /// A message of a packed tree is full from here on: the nodes that were looked up last still have room.
    private static let packedByteLimit = answerByteLimit - packedLookUpBatch * (ManifestLimits.nodeByteCount + 3)
    private static let packedLookUpBatch = 8

    private let store: Store
    private let trust: TrustedRepository
    private let pool: BlockingPool
    private let swarms: Swarms?
    private let receipts: Receipts?

    /// Answers from `store`, whose work is done in `pool`, and from `trust`.
    package init(store: Store, trust: TrustedRepository, pool: BlockingPool) {
        self.init(store: store, trust: trust, pool: pool, swarms: nil, receipts: nil)
    }

    /// The same with what syncs have received and not committed yet, and with the receipts that are known.
    init(store: Store, trust: TrustedRepository, pool: BlockingPool, swarms: Swarms?, receipts: Receipts?) {
        self.store = store
        self.trust = trust
        self.pool = pool
        self.swarms = swarms
        self.receipts = receipts
    }

    /// Answers `request` in messages on `stream`, without the last word. Throws ``ServeRefusal`` for a request that is
    /// refused in good order, `StoreError`, and `STOQError` when the stream is over.
    package func answer(_ request: STOQRequest, on stream: STOQStream) async throws {
        if case .metadata(let versions) = request { return try await sendMetadata(versions, on: stream) }
        let set = request.set ?? ""
        // A mirror that is about to get its first release of a set knows nothing of it yet.
        if case .swarm(_, let release) = request {
            guard let swarms else { throw ServeRefusal(.unsupported, "no swarms here") }
            return try await swarms.serve(SwarmKey(set: set, release: release), on: stream)
        }
        if case .chunks(_, let digests) = request {
            guard let uploads = swarms?.uploads else { return try await sendChunks(digests, ofSet: set, on: stream) }
            return try await uploads.serve(stream.peer.name, set) {
                try await sendChunks(digests, ofSet: set, on: stream)
            }
        }
        try await pool.run { try expectSet(set) }
        switch request {
        case .release(_, let sequence):
            let document = try await pool.run { [store] in try store.releaseDocument(set: set, sequence: sequence) }
            try await send([document], on: stream)
        case .changeset(_, let digest):
            try await send([try await pool.run { [store] in try store.changeset(digest) }], on: stream)
        case .nodes(_, let digests):
            try await sendAll(digests, on: stream) { [store] in try store.nodes($0) }
        case .chunkLists(_, let digests):
            try await sendAll(digests, on: stream) { [store] in try store.chunkLists($0) }
        case .chunkLog(_, let from, let size): try await sendChunkLog(set, from, size, on: stream)
        case .packedTree(_, let root):
            try await sendPackedTree(root, on: stream)
        case .yanks:
            let list = try await pool.run { [store] in try store.yankList(set: set) }
            try await send([list], on: stream)
        case .receipts(_, let release): try await sendReceipts(of: release, set, on: stream)
        case .metadata, .standings, .command, .ownCommand, .swarm, .chunks:
            break
        }
    }

    /// Throws ``ServeRefusal`` for a set of which nothing is here, and `DatabaseError` of the disk.
    private func expectSet(_ set: String) throws {
        guard try store.sets().contains(set) || swarms?.isFetching(set) == true else {
            throw ServeRefusal(.notFound, "no set \(set) here")
        }
    }

    /// Sends the documents of the fleet's repository that are newer than `versions` says.
    private func sendMetadata(_ versions: [UInt8], on stream: STOQStream) async throws {
        let known: MetadataVersions
        do {
            known = try MetadataVersions(decoding: versions)
        } catch {
            throw ServeRefusal(.malformed, "\(error)")
        }
        try await send([trust.documents(newerThan: known).encode()], on: stream)
    }

    /// Sends what is known of who holds a release; that this host serves it is as good as having waited for others.
    private func sendReceipts(of release: ReleaseDigest, _ set: String, on stream: STOQStream) async throws {
        guard let receipts else { throw ServeRefusal(.unsupported, "no receipts here") }
        try await pool.run { [store] in
            if let head = try store.head(set: set), head.releaseDigest == release {
                try receipts.hold(release, sequence: head.sequence, ofSet: set)
            }
        }
        try await send([receipts.list(of: release, ofSet: set).encode()], on: stream)
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
    func send(_ items: [[UInt8]?], on stream: STOQStream, from first: Int = 0) async throws {
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

    /// Sends all nodes of a tree, as many to a message as have room.
    private func sendPackedTree(_ root: NodeDigest, on stream: STOQStream) async throws {
        var writer = PackedTreeWriter(root: root)
        while true {
            let (nodes, rest) = try await pool.run { [store, writer] in
                var writer = writer
                var nodes: [[UInt8]] = []
                var byteCount = 0
                while byteCount < Self.packedByteLimit {
                    let digests = writer.next(limit: Self.packedLookUpBatch)
                    if digests.isEmpty { break }
                    for case let (digest, bytes?) in zip(digests, try store.nodes(digests)) {
                        // A node that is not what it should be is no help, and neither is what comes after a gap.
                        guard writer.isNext(digest) else { break }
                        try writer.take(bytes)
                        nodes.append(bytes)
                        byteCount += bytes.count
                    }
                    guard !writer.isNext(digests[0]) else {
                        throw ServeRefusal(.notFound, "not the whole tree is here")
                    }
                }
                return (nodes, writer)
            }
            writer = rest
            if nodes.isEmpty { return }
            try await stream.send(PackedTree.encode(nodes))
        }
    }

    /// Sends the state of a chunk log before an entry, and the entries from there on.
    private func sendChunkLog(_ set: String, _ from: UInt64, _ size: UInt64, on stream: STOQStream) async throws {
        let log = try await pool.run { [store, swarms] in
            try swarms?.chunkLog(set: set, from: from, to: size) ?? store.chunkLog(set: set, from: from, to: size)
        }
        guard let log else { throw ServeRefusal(.notFound, "the chunk log of \(set) is not kept here") }
        try await send([log.state.encode(), ChunkLogHistory.encode(log.entries)], on: stream)
    }

    /// Sends chunks in messages of up to a mebibyte, each read in one go: from the blobs, or from what a sync that runs
    /// has received. What there is to look up before is done with the first message: in a swarm most answers are one, and
    /// each change of threads is dear beside it.
    private func sendChunks(_ digests: [ChunkDigest], ofSet set: String, on stream: STOQStream) async throws {
        let slabs = stream.pool
        var (message, places, next) = try await pool.run {
            try expectSet(set)
            let places = try locate(digests, ofSet: set)
            let (message, end) = try answer(places[...], ofSet: set, slabs)
            return (message, places, end)
        }
        while true {
            try await stream.send(message)
            guard next < places.count else { return }
            let rest = places[next...]
            (message, next) = try await pool.run { try answer(rest, ofSet: set, slabs) }
        }
    }

    /// Where chunks are, in the order of `digests`.
    private func locate(_ digests: [ChunkDigest], ofSet set: String) throws -> [ChunkPlace] {
        zip(digests, try store.locate(digests)).map { digest, location in
            location.map { ChunkPlace.held($0) }
                ?? swarms?.length(of: digest, ofSet: set).map { .received(digest, $0) } ?? .absent
        }
    }

    /// A message with as many of the chunks as have room, and the position of the first that has none.
    private func answer(
        _ places: ArraySlice<ChunkPlace>, ofSet set: String, _ slabs: STOQSlabPool
    ) throws -> (STOQMessage, end: Int) {
        var answer = STOQAnswer.Builder(byteLimit: Self.answerByteLimit, pool: slabs)
        answer.expect(places.reduce(0) { $0 + $1.length })
        for position in places.indices {
            let length = places[position].length
            guard answer.isEmpty || length <= answer.room else { return (answer.take(), position) }
            if length == 0 {
                answer.addAbsent(position)
                continue
            }
            do {
                try answer.add(position, count: length) { try read(places[position], ofSet: set, into: $0) }
            } catch is StoreError {
                // Gone or damaged since: somebody else has it.
                answer.addAbsent(position)
            }
        }
        return (answer.take(), places.endIndex)
    }

    /// Where a chunk is read from.
    private enum ChunkPlace {
        case held(ChunkLocation)
        case received(ChunkDigest, Int)
        case absent

        var length: Int {
            switch self {
            case .held(let location): Int(location.length)
            case .received(_, let length): length
            case .absent: 0
            }
        }
    }

    /// Throws `StoreError` if it is not there any more.
    private func read(
        _ place: ChunkPlace, ofSet set: String, into buffer: UnsafeMutableRawBufferPointer
    ) throws {
        switch place {
        case .held(let location): try store.read(location, into: buffer)
        case .received(let digest, _):
            // What was received may be committed meanwhile, and then is found in the blobs.
            if try swarms?.read(digest, ofSet: set, into: buffer) == true { return }
            guard let location = try store.locate([digest])[0] else { throw StoreError.notFound("chunk \(digest)") }
            try store.read(location, into: buffer)
        case .absent: throw StoreError.notFound("a chunk")
        }
    }
}
