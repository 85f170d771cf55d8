import ArgumentParser
import Glibc
import LinuxIO
import SigningKeys
import Trust
import UpdateFramework

/// Whoever has the online key: signs snapshots and timestamps that the keeper would not, and writes them down as what a
/// peer answers to who asks for metadata.
struct HostileKeeper: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keeper", abstract: "Signs a false state of the repository with the stolen online key.")

    @Option(help: "The stolen key.") var key: String
    @Option(help: "The name of the fleet.") var fleet: String
    @Option(help: "The set whose role is attacked.") var set: String
    @Option(help: "What a host has now: the file `metadata` of its store.") var held: String
    @Option(help: "The same file from before the last publish.") var old: String
    @Option(help: "What is false.") var attack: Attack
    @Option(help: "Where the documents are written.") var out: String

    enum Attack: String, ExpressibleByArgument {
        /// The role of the set as it was before.
        case rollback
        /// A snapshot without the role.
        case leaveOut = "leave-out"
        /// The role as it is, under the description of the older one.
        case mix
        /// A next version of the role that none of its keys has signed.
        case forge
        /// A timestamp with a lower version.
        case oldTimestamp = "old-timestamp"
        /// One that was signed in three days.
        case future
        /// One that has expired.
        case expired
        /// All that is true, in a timestamp with a version that honest ones do not reach.
        case forward
    }

    private static let day: Int64 = 86_400

    func run() throws {
        let held = try Self.documents(held)
        let role = FleetRoles.role(ofSet: set)
        var now = try Self.contents(held, fleet)
        var documents = held
        switch attack {
        case .rollback:
            documents.documents[role] = try Self.documents(old).documents[role]
        case .leaveOut:
            documents.documents[role] = nil
        case .forge:
            documents.documents[role] = try forged(try bytes(of: role, in: held))
        case .mix, .oldTimestamp, .future, .expired, .forward: break
        }
        var listed = try Self.listed(documents, fleet)
        if attack == .mix, let honest = listed[role] {
            listed[role] = MetadataDescription(
                version: honest.version, of: try bytes(of: role, in: Self.documents(old)))
        }
        now.snapshot += 1
        now.timestamp = attack == .oldTimestamp ? 1 : attack == .forward ? 1 << 50 : now.timestamp + 1
        let clock = MetadataTime(secondsSince1970: Int64(time(nil)))
        let signedAt = attack == .future ? clock.adding(3 * Self.day) : clock
        let signer = try SigningKeyFile.read(key) { _ in [] }
        let writer = MetadataWriter(profile: .fleet(Array(fleet.utf8)))
        let snapshot = try writer.document(
            SnapshotMetadata(version: now.snapshot, expires: clock.adding(7 * Self.day), roles: listed),
            role: .snapshot, signers: [signer])
        documents.documents[.snapshot] = snapshot
        documents.documents[.timestamp] = try writer.document(
            TimestampMetadata(
                version: now.timestamp, expires: attack == .expired ? clock : signedAt.adding(Self.day),
                snapshot: MetadataDescription(version: now.snapshot, of: snapshot), signedAt: signedAt),
            role: .timestamp, signers: [signer])
        let folder = try Folder.open(".")
        let file = try folder.createFile(Array(out.utf8))
        try file.write(documents.encode(), at: 0)
    }

    /// The next version of the role, naming nothing, signed with the online key.
    private func forged(_ bytes: [UInt8]) throws -> [UInt8] {
        let contents: TargetsMetadata = try Self.read(bytes, fleet)
        let next = TargetsMetadata(version: contents.version + 1, expires: contents.expires, targets: [:])
        return try MetadataWriter(profile: .fleet(Array(fleet.utf8))).document(
            next, role: FleetRoles.role(ofSet: set), signers: [try SigningKeyFile.read(key) { _ in [] }])
    }

    private func bytes(of role: RoleName, in documents: RepositoryDocuments) throws -> [UInt8] {
        guard let bytes = documents.documents[role] else { throw ValidationError("no document of \(role)") }
        return bytes
    }

    private static func documents(_ path: String) throws -> RepositoryDocuments {
        try RepositoryDocuments(
            decoding: OpenFile.open(Array(path.utf8)).readAll(limit: RepositoryDocuments.maximumByteCount))
    }

    /// The versions of snapshot and timestamp in `documents`.
    private static func contents(
        _ documents: RepositoryDocuments, _ fleet: String
    ) throws -> (snapshot: Int64, timestamp: Int64) {
        let snapshot: SnapshotMetadata = try read(documents.documents[.snapshot] ?? [], fleet)
        let timestamp: TimestampMetadata = try read(documents.documents[.timestamp] ?? [], fleet)
        return (snapshot.version, timestamp.version)
    }

    /// What a snapshot of `documents` lists.
    private static func listed(
        _ documents: RepositoryDocuments, _ fleet: String
    ) throws -> [RoleName: MetadataDescription] {
        var listed: [RoleName: MetadataDescription] = [:]
        for (role, bytes) in documents.documents where role != .snapshot && role != .timestamp {
            let contents: TargetsMetadata = try read(bytes, fleet)
            listed[role] = MetadataDescription(version: contents.version, of: bytes)
        }
        return listed
    }

    private static func read<Contents: MetadataContents>(_ bytes: [UInt8], _ fleet: String) throws -> Contents {
        try Contents(
            SignedMetadata(bytes, byteCount: RepositoryDocuments.maximumByteCount).signed,
            profile: .fleet(Array(fleet.utf8)), schemes: .own)
    }
}
