import Content
import FleetModel
import Logging
import STOQ
import STOQTransport
import Trust
import UpdateFramework

/// What hosts are asked before files are: metadata, the release, the manifest.
extension Retrieval {
    /// How long hosts may take to answer after the first has.
    private static let grace = Duration.seconds(1)
    /// How long the first may take.
    private static let patience = Duration.seconds(30)

    // MARK: Trust

    /// The fleet's repository, from what is held and all that hosts have. Throws ``RetrievalError``.
    func verifiedRepository(_ held: RepositoryDocuments) async throws -> VerifiedRepository {
        let none = RepositoryDocuments()
        let known = VerifiedRepository.update(held, with: none, fleet: order.fleet, now: now)
        let versions =
            (try? known.result.get().versions) ?? MetadataVersions(root: held.newestRoot?.version ?? 0)
        let pool = SourcePool(sources: order.sources, endpoint: endpoint)
        let reader = AnswerReader(sources: pool)
        let (answers, failures) = await askAll(order.sources) { source in
            try RepositoryDocuments(
                decoding: await reader.single(
                    .metadata(versions: versions.encoded), limit: RepositoryDocuments.maximumByteCount, at: source))
        }
        guard !answers.isEmpty else { throw RetrievalError.noSource(reasons: failures) }
        var (documents, repository) = (known.documents, try? known.result.get())
        var refusal: (any Error)?
        if case .failure(let error) = known.result { refusal = error }
        for (source, offered) in answers {
            let outcome = VerifiedRepository.update(documents, with: offered, fleet: order.fleet, now: now)
            documents = outcome.documents
            do {
                let verified = try outcome.result.get()
                try TrustedRepository.checkClock(verified, now)
                repository = verified
            } catch {
                // A host that is behind, or lies: another one may do better.
                logger.warning("metadata is refused", metadata: ["source": "\(source.name)", "error": "\(error)"])
                refusal = error
            }
        }
        guard let repository else {
            throw RetrievalError.untrusted(refusal ?? UpdateError.missing(.timestamp, version: nil))
        }
        return repository
    }

    /// The release that is wanted, and the hosts that have it, those first that answered first. Throws
    /// ``RetrievalError``.
    func release(by repository: VerifiedRepository) async throws -> (release: VerifiedRelease, sources: SourcePool) {
        let signed = repository.sequences(ofSet: order.set)
        guard let sequence = order.sequence ?? signed.last, signed.contains(sequence) else {
            throw RetrievalError.noRelease(set: order.set, sequence: order.sequence, newest: signed.last)
        }
        let asked = SourcePool(sources: order.sources, endpoint: endpoint)
        let reader = AnswerReader(sources: asked)
        let (answers, failures) = await askAll(order.sources) { source in
            try await reader.single(
                .release(set: self.order.set, sequence: sequence), limit: ReleaseDocument.maximumByteCount, at: source)
        }
        var (release, refusal): (VerifiedRelease?, (any Error)?)
        var sources: [PlanSource] = []
        for (source, document) in answers {
            do {
                release = try ReleaseVerifier.verify(
                    document, sequence: sequence, ofSet: order.set, fleet: order.fleet, by: repository, above: nil,
                    freshAt: now)
                sources.append(source)
            } catch {
                logger.warning("a release is refused", metadata: ["source": "\(source.name)", "error": "\(error)"])
                refusal = error
            }
        }
        if let release { return (release, SourcePool(sources: sources, endpoint: endpoint)) }
        if let refusal { throw RetrievalError.untrusted(refusal) }
        throw RetrievalError.noSource(reasons: failures)
    }

    /// What all hosts answer, in the order in which they do, and why others do not: those that take much longer than the
    /// first are not waited for.
    private func askAll<Value: Sendable>(
        _ sources: [PlanSource], _ ask: @escaping @Sendable (PlanSource) async throws -> Value
    ) async -> (answers: [(PlanSource, Value)], failures: [String]) {
        return await withTaskGroup(of: AskEvent<Value>.self) { group in
            for source in sources {
                group.addTask {
                    do {
                        return .answered(source, try await ask(source))
                    } catch {
                        return .failed("\(source.name): \(error)")
                    }
                }
            }
            func setTimer(_ time: Duration) {
                group.addTask {
                    try? await Task.sleep(for: time)
                    return .late
                }
            }
            setTimer(Self.patience)
            defer { group.cancelAll() }
            var (answers, failures): ([(PlanSource, Value)], [String]) = ([], [])
            while answers.count + failures.count < sources.count, let event = await group.next() {
                switch event {
                case .answered(let source, let value):
                    if answers.isEmpty { setTimer(Self.grace) }
                    answers.append((source, value))
                case .failed(let reason): failures.append(reason)
                case .late: return (answers, failures + (answers.isEmpty ? ["no answer came in time"] : []))
                }
            }
            return (answers, failures.sorted())
        }
    }

    // MARK: Manifest

    /// The entries that are wanted, ascending, directories that lead to them too. Throws ``RetrievalError``.
    func manifest(of release: VerifiedRelease, from sources: SourcePool) async throws -> [ManifestEntry] {
        let root = release.document.manifest.digest
        var walk = ManifestWalk(root: root, selection: order.selection) { _ in false }
        var nodes: [NodeDigest: [UInt8]] = [:]
        while !walk.isComplete {
            let needed = walk.needed(limit: STOQRequest.digestLimit)
            let found = try await blame(sources) { reader, source in
                try await self.nodes(needed, reader, source)
            }
            do {
                try walk.supply(found) { _ in false }
            } catch {
                // Each node has its digest: what is wrong is what was signed.
                throw RetrievalError.badManifest("\(error)")
            }
            for (digest, bytes) in found { nodes[digest] = bytes }
        }
        let entries: [ManifestEntry]
        do {
            entries = try Self.entries(root, nodes, release.document, order.selection)
        } catch {
            throw RetrievalError.badManifest("\(error)")
        }
        let absent = order.selection.paths.filter { path in !entries.contains { $0.path == path } }
        guard absent.isEmpty else { throw RetrievalError.noPath(absent, sequence: release.document.sequence) }
        return entries
    }

    /// Nodes that a source has, each with its digest. Throws ``SyncError``.
    private func nodes(
        _ needed: [NodeDigest], _ reader: AnswerReader, _ source: PlanSource
    ) async throws -> [(NodeDigest, [UInt8])] {
        let limits = Array(repeating: ManifestLimits.nodeByteCount, count: needed.count)
        var found: [(NodeDigest, [UInt8])] = []
        try await reader.items(.nodes(set: order.set, needed), limits: limits, at: source) { items in
            for item in items {
                guard ManifestTree.digest(ofNode: item.bytes) == needed[item.index] else {
                    throw SyncError.malformed(what: "a node", reason: "its digest differs")
                }
                found.append((needed[item.index], item.bytes))
            }
        }
        guard !found.isEmpty else { throw SyncError.absent(what: "a node of the manifest") }
        return found
    }

    private static func entries(
        _ root: NodeDigest, _ nodes: [NodeDigest: [UInt8]], _ document: ReleaseDocument, _ selection: PathSelection
    ) throws -> [ManifestEntry] {
        var rules = TreeRules(allowsEscapingLinks: document.allowsEscapingLinks)
        var entries: [ManifestEntry] = []
        var types: [RelativePath: EntryType] = [:]
        let isWalked = { (digest: NodeDigest) in digest == root || nodes[digest] != nil }
        try ManifestTree.reach(root: root, source: { nodes[$0] }, enters: isWalked) { entry in
            guard selection.contains(entry.path) else { return }
            try rules.check(entry)
            types[entry.path] = entry.type
            entries.append(entry)
        }
        try rules.finish { types[$0] }
        return entries
    }

    /// The chunk lists of blobs. Throws ``RetrievalError``.
    func chunkLists(
        _ blobs: [RetrievedBlob], from sources: SourcePool
    ) async throws -> [ChunkListDigest: ChunkList] {
        var wanted: [ChunkListDigest: UInt64] = [:]
        for blob in blobs { if let list = blob.list { wanted[list] = blob.size } }
        var lists: [ChunkListDigest: ChunkList] = [:]
        while lists.count < wanted.count {
            let needed = Array(wanted.keys.filter { lists[$0] == nil }.sorted().prefix(STOQRequest.digestLimit))
            let sizes = needed.map { wanted[$0] ?? 0 }
            let found = try await blame(sources) { reader, source in
                try await self.chunkLists(needed, sizes, reader, source)
            }
            for (digest, list) in found { lists[digest] = list }
        }
        return lists
    }

    /// Chunk lists that a source has, verified. Throws ``SyncError``.
    private func chunkLists(
        _ needed: [ChunkListDigest], _ sizes: [UInt64], _ reader: AnswerReader, _ source: PlanSource
    ) async throws -> [(ChunkListDigest, ChunkList)] {
        var found: [(ChunkListDigest, ChunkList)] = []
        let limits = sizes.map { ChunkList.byteLimit(ofBlob: $0) }
        try await reader.items(.chunkLists(set: order.set, needed), limits: limits, at: source) { items in
            for item in items {
                do {
                    let list = try ChunkList(
                        verifying: item.bytes, digest: needed[item.index], blobSize: sizes[item.index])
                    found.append((needed[item.index], list))
                } catch {
                    throw SyncError.malformed(what: "a chunk list", reason: "\(error)")
                }
            }
        }
        guard !found.isEmpty else { throw SyncError.absent(what: "a chunk list") }
        return found
    }

    /// Yanked paths are not retrieved: the other entries, and the paths that were left out. Throws ``RetrievalError``.
    func withoutYanked(
        _ entries: [ManifestEntry], by repository: VerifiedRepository, from sources: SourcePool
    ) async throws -> (wanted: [ManifestEntry], yanked: [RelativePath]) {
        guard repository.yankTarget(ofSet: order.set) != nil else { return (entries, []) }
        let list = try await blame(sources) { reader, source in
            let bytes = try await reader.single(
                .yanks(set: self.order.set), limit: YankList.maximumByteCount, at: source)
            do {
                return try repository.verify(yanked: bytes, ofSet: self.order.set).list
            } catch {
                throw SyncError.untrusted(error)
            }
        }
        return (entries.filter { !list.covers($0.path) }, entries.map(\.path).filter { list.covers($0) })
    }

    /// Asks one source after the other, and gives up those that lie. Throws ``RetrievalError``.
    private func blame<Value: Sendable>(
        _ sources: SourcePool, _ ask: @escaping @Sendable (AnswerReader, PlanSource) async throws -> Value
    ) async throws -> Value {
        let reader = AnswerReader(sources: sources)
        do {
            return try await sources.fromAny(set: order.set) { source in
                do {
                    return try await ask(reader, source)
                } catch {
                    if SyncError.isLie(error) { self.accuse(source.name, "\(error)", sources) }
                    throw error
                }
            }
        } catch let error as SyncError {
            if case .untrusted(let reason) = error { throw RetrievalError.untrusted(reason) }
            throw RetrievalError.noSource(reasons: ["\(error)"])
        }
    }
}

/// What comes of asking many hosts at once.
private enum AskEvent<Value: Sendable>: Sendable {
    case answered(PlanSource, Value)
    case failed(String)
    case late
}
