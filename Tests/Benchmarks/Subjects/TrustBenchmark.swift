import Hashing
import SigningKeys
import UpdateFramework

extension Benchmark {
    /// The way from a trusted root to one release by hybrid keys, and one signature.
    package static let trust = Benchmark(
        name: "trust", summary: "TUF with hybrid keys: verify the chain to one release, sign one document",
        usualSize: 1 << 10, run: TrustBenchmark.run)
}

/// A chain of five documents, all signed by hybrid keys: root (two keys), timestamp, snapshot, targets, one delegated role.
/// The input is the target.
private struct TrustBenchmark {
    private let root: [UInt8]
    private let files: [String: [UInt8]]
    private let path: TargetPath
    private let target: [UInt8]
    private let signer: HybridSigningKey

    /// Why there is nothing to measure.
    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    @Sendable static func run(_ options: BenchmarkOptions) throws -> [Measurement] {
        let chain = try TrustBenchmark(target: options.input)
        var measurements: [Measurement] = []
        try options.measure("verify chain", bytes: 1, unit: .operations, into: &measurements) {
            try chain.verify()
        }
        try options.measure("sign", bytes: 1, unit: .operations, into: &measurements) {
            "\(try chain.signer.sign(options.input).count) bytes"
        }
        return measurements
    }

    private init(target: [UInt8]) throws {
        let writer = MetadataWriter(profile: .specification)
        let expires = MetadataTime(secondsSince1970: 4_000_000_000)
        let keys = try ((1...6) as ClosedRange<UInt8>).map { number in
            try Self.require(HybridSigningKey(seed: [UInt8](repeating: number, count: HybridSigningKey.seedByteCount)))
        }
        func by(_ places: Int...) -> RoleKeys {
            RoleKeys(keyIDs: places.map { keys[$0].key.id }, threshold: places.count)
        }
        let role = try Self.require(RoleName(Array("set-debian".utf8)))
        path = try Self.require(TargetPath(Array("sets/debian/release".utf8)))
        root = try writer.document(
            RootMetadata(
                version: 1, expires: expires, keys: keys[0...4].map(\.key),
                roles: [.root: by(0, 1), .timestamp: by(2), .snapshot: by(3), .targets: by(4)]),
            role: .root, signers: [keys[0], keys[1]])
        let delegated = try writer.document(
            TargetsMetadata(version: 1, expires: expires, targets: [path: TargetDescription(of: target)]), role: role,
            signers: [keys[5]])
        let targets = try writer.document(
            TargetsMetadata(
                version: 1, expires: expires, keys: [keys[5].key],
                delegations: [
                    Delegation(
                        role: role, keys: by(5), paths: .patterns([try Self.require(PathPattern(path.bytes))]),
                        isTerminating: true)
                ]), role: .targets, signers: [keys[4]])
        let snapshot = try writer.document(
            SnapshotMetadata(
                version: 1, expires: expires,
                roles: [
                    .targets: MetadataDescription(version: 1, of: targets),
                    role: MetadataDescription(version: 1, of: delegated),
                ]), role: .snapshot, signers: [keys[3]])
        let timestamp = try writer.document(
            TimestampMetadata(
                version: 1, expires: expires, snapshot: MetadataDescription(version: 1, of: snapshot)),
            role: .timestamp, signers: [keys[2]])
        files = [
            "timestamp.json": timestamp, "1.snapshot.json": snapshot, "1.targets.json": targets,
            "1.\(role.fileName)": delegated,
        ]
        self.target = target
        signer = keys[0]
    }

    /// A whole update from the root, and the target.
    private func verify() throws -> String {
        var update = try RepositoryUpdate(
            trustedRoot: root, now: MetadataTime(secondsSince1970: 1_800_000_000), profile: .specification)
        var actions = update.begin()
        while let action = actions.last {
            switch action {
            case .load: actions = update.handle(.loaded(nil))
            case .fetch(let request): actions = update.handle(files[request.fileName].map { .fetched($0) } ?? .notFound)
            case .refreshed: actions = update.find(path)
            case .found(let found): return "\(try found.verify(target).target.authority.count) roles"
            case .refused(let error): throw error
            case .absent, .store, .delete: throw Failure(description: "the target was not found")
            }
        }
        throw Failure(description: "the update did not end")
    }

    private static func require<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw Failure(description: "a name or a key is bad") }
        return value
    }
}
