import Content
import Hashing
import STOQ
import Trust
import TrustSupport
import UpdateFramework

/// Good bytes of STOQ and TLS, made by our own code.
enum FuzzSamples {
    private static let digest = BLAKE3.hash([1, 2, 3])

    static let requests: [STOQRequest] = [
        .release(set: "debian", sequence: nil), .release(set: "debian", sequence: 300),
        .changeset(set: "iso", ChangesetDigest(digest)), .packedTree(set: "iso", NodeDigest(digest)),
        .nodes(set: "iso", [NodeDigest(digest), NodeDigest(digest)]), .chunkLists(set: "a", [ChunkListDigest(digest)]),
        .chunks(set: "debian", Array(repeating: ChunkDigest(digest), count: 40)), .command([0x7B, 0x7D]),
        .ownCommand([0x7B, 0x7D]),
        .metadata(versions: MetadataVersions(root: 1, roles: [.timestamp: 300]).encoded), .yanks(set: "debian"),
        .standings, .chunkLog(set: "debian", from: 128, size: 1_000), .swarm(set: "iso", ReleaseDigest(digest)),
        .receipts(set: "debian", ReleaseDigest(digest)),
    ]

    /// The document of an empty first release.
    static func releaseDocument() throws -> ReleaseDocument {
        try ReleaseDocument(
            fleet: "lab", set: "debian", sequence: 1, publishedAt: 1, manifest: ManifestTree.emptyRoot,
            predecessor: .first, changeset: nil, chunkProfile: 1,
            chunkLog: ChunkLogHead(epoch: 1, size: 0, root: LogEntryDigest(digest)))
    }

    /// A proof that an empty release has no file.
    static func proof() throws -> [UInt8] {
        let root = ManifestTree.emptyRoot
        let bytes = try releaseDocument().encode()
        let metadata = try TestPublisher(fleet: "lab", sets: ["debian"]).documents(naming: [(1, bytes)], of: "debian")
        let proof = try ManifestProof.make(RelativePath("a"), root: root.digest) { _ in nil }
        return Array(PortableProof(document: bytes, metadata: metadata, manifestProof: proof).encode().utf8)
    }

    /// A list of two yanked paths.
    static func yankList() throws -> YankList {
        var list = YankList(fleet: "lab", set: "debian")
        for path in ["pool/a", "b"] {
            _ = list.add(YankList.Entry(path: try RelativePath(path), reason: "why", yankedAt: 1_700_000_000))
        }
        return list
    }

    /// A whole repository with one release.
    static func repository() throws -> RepositoryDocuments {
        try TestPublisher(fleet: "lab", sets: ["debian"]).documents(naming: [(1, [1, 2, 3])], of: "debian")
    }

    static let greeting = STOQGreeting(
        fleet: "lab", name: "m1",
        heads: [
            .init(set: "debian", sequence: 300, release: ReleaseDigest(digest)),
            .init(set: "iso", sequence: 1, release: ReleaseDigest(digest)),
        ])

    static func answer() -> [UInt8] {
        var builder = STOQAnswer.Builder()
        builder.add(0, [1, 2, 3], isLast: false)
        builder.add(0, [4], isLast: true)
        builder.addAbsent(1)
        builder.add(200, Array(repeating: 9, count: 300)[...], isLast: true)
        return builder.take().bytes
    }

    /// A ServerHello with the hybrid group, in one record.
    static let serverHello: [UInt8] = {
        let share: [UInt8] = [0, 43, 0, 2, 3, 4, 0, 51, 0, 6, 0x11, 0xEC, 0, 2, 9, 9]
        let body: [UInt8] = [3, 3] + Array(repeating: 7, count: 32) + [0, 0x13, 1, 0, 0, UInt8(share.count)] + share
        let message: [UInt8] = [2, 0, 0, UInt8(body.count)] + body
        return [22, 3, 3, 0, UInt8(message.count)] + message
    }()

    /// What one side of a lively connection sends after the handshake, for each choice of how it arrives.
    static func conversations() -> [[UInt8]] {
        let choices: [FuzzedConnection.Choice] = [
            [.isGreeted], [.isGreeted, .takes, .answers], [.isGreeted, .isCut, .takes],
            [.isGreeted, .isSlow, .answers, .takes],
        ]
        let sent = speech()
        return choices.map { [$0.rawValue] + sent }
            + [[FuzzedConnection.Choice([]).rawValue] + FuzzedConnection.handshake(dials: true) + sent]
            + [[FuzzedConnection.Choice([.dials, .asks, .isGreeted]).rawValue] + answers()]
    }

    /// The dialler's frames: streams of every kind, plain and compressed messages, an end, a reset, a farewell.
    private static func speech() -> [UInt8] {
        let now = STOQTime(nanoseconds: 0)
        var dialler = STOQConnectionMachine(side: .dialler, now: now)
        _ = dialler.greet(greeting, now: now)
        _ = FuzzedConnection.handshake(dials: false).withUnsafeBytes { dialler.receive($0, now: now) }
        // The handshake of this side is not part of the sample.
        while dialler.takeFrame(now: now) != nil {}
        _ = dialler.takeEvents()
        var sent: [UInt8] = []
        for (index, kind) in StreamKind.allCases.enumerated() {
            guard let stream = dialler.open(kind, now: now) else { continue }
            for count in [20, 2_000, 9_000] {
                let bytes = requests[index].encode() + Array(repeating: UInt8(index), count: count)
                if let message = try? OutgoingMessage(bytes, compression: count > 5_000 ? .whole : .never) {
                    _ = dialler.send(message, on: stream, now: now)
                }
            }
            if index == 2 { _ = dialler.reset(stream, .cancelled, "enough") } else { dialler.finish(stream, now: now) }
            while let frame = dialler.takeFrame(now: now) { sent += frame.bytes }
            _ = dialler.takeEvents()
        }
        _ = dialler.goAway(.shuttingDown, "bye")
        while let frame = dialler.takeFrame(now: now) { sent += frame.bytes }
        return sent
    }

    /// What a listener could say on the first streams of a dialler.
    private static func answers() -> [UInt8] {
        let body = answer()
        let message = FuzzedConnection.lengths(body.count, body.count) + body
        return FuzzedConnection.frame(4, 5, stream: 1, message) + FuzzedConnection.frame(4, 1, stream: 3, message)
            + FuzzedConnection.frame(5, 0, stream: 3, [0, 16, 0, 0, 0])
            + FuzzedConnection.frame(5, 0, stream: 0, [1, 16, 0, 0, 0])
            + FuzzedConnection.frame(6, 0, stream: 5, [1, 0, 0x6E, 0x6F])
            + FuzzedConnection.frame(7, 0, stream: 0, Array(repeating: 1, count: 8))
            + FuzzedConnection.frame(0x80, 0, stream: 0, [1, 2, 3])
    }

    /// Compressed messages behind their plain lengths.
    static func compressedMessages() -> [[UInt8]] {
        let now = STOQTime(nanoseconds: 0)
        return [700, 20_000, 1 << 20].compactMap { count in
            let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7 &* $0) }
            var dialler = STOQConnectionMachine(side: .dialler, now: now)
            _ = dialler.greet(greeting, now: now)
            _ = FuzzedConnection.handshake(dials: false).withUnsafeBytes { dialler.receive($0, now: now) }
            while dialler.takeFrame(now: now) != nil {}
            guard let stream = dialler.open(.bulk, now: now), dialler.takeFrame(now: now) != nil,
                let message = try? OutgoingMessage(plain, compression: .whole),
                dialler.send(message, on: stream, now: now)
            else { return nil }
            var wire: [UInt8] = []
            while let frame = dialler.takeFrame(now: now) {
                wire += frame.bytes.dropFirst(STOQFrameHeader.byteCount)
            }
            // Wire length, plain length, bytes.
            return wire.count > 8 ? Array(wire[4..<8] + wire[8...]) : nil
        }
    }
}
