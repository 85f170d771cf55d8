import FleetAPI
import FleetModel
import LinuxIO
import Trust
import UpdateFramework

/// Where the files of a TUF repository come from. What it gives is believed in nothing.
protocol RepositorySource {
    /// A document; nil if there is none.
    func document(_ request: MetadataRequest) async throws -> [UInt8]?
    /// The bytes of a target of the role of `set`, at most `byteLimit`; nil if there is none.
    func target(_ path: TargetPath, ofSet set: String, byteLimit: Int) async throws -> [UInt8]?
}

/// The TUF repository of a fleet as files, for clients of TUF by others: all of it verified from the first root down
/// before anything is written.
struct RepositoryExport {
    /// More targets than a fleet keeps releases, in all sets together.
    private static let targetLimit = 100_000
    /// Bytes of one target: a release document is far smaller.
    private static let targetByteCount: Int64 = 16 << 20

    /// Documents by the names of their files, but for the timestamp.
    private(set) var documents: [(name: String, bytes: [UInt8])]
    private(set) var timestamp: [UInt8] = []
    /// Targets by the paths of their files.
    private(set) var targets: [(path: [UInt8], bytes: [UInt8])] = []
    /// Targets that a role names and nobody has any more.
    private(set) var missing: [TargetPath] = []
    /// Kinds of keys that other clients of TUF do not know.
    private(set) var unusualKeyTypes: [String] = []

    private let source: any RepositorySource
    private var update: RepositoryUpdate

    /// Reads and verifies all of the repository that begins with `root`. Throws `UpdateError`, a `FleetctlError` if
    /// something is missing, and what the source throws.
    init(root: [UInt8], fleet: [UInt8], now: MetadataTime, source: any RepositorySource) async throws {
        self.source = source
        documents = [("1.root.json", root)]
        update = try RepositoryUpdate(trustedRoot: root, now: now, profile: .fleet(fleet))
        _ = try await perform(update.begin())
        let newest = documents.last { $0.name.hasSuffix(".targets.json") }?.bytes ?? []
        let profile = MetadataProfile.fleet(fleet)
        for delegation in try Self.contents(newest, profile).delegations { try await addSet(delegation.role, profile) }
        for (_, bytes) in documents { note(try SignedMetadata(bytes, byteCount: MetadataLimits.targetsByteCount)) }
    }

    /// Writes the files to `path`, made if it is not there; what is there is replaced file by file, the timestamp last,
    /// so that a client sees the old repository or the new one. Throws `FileError`, `CredentialError`, and a
    /// `FleetctlError` if something else is there.
    func write(to path: String) throws {
        try TextFile.makeFolder(path)
        let folder = try Folder.open(path)
        let first = try folder.openFileIfPresent("metadata/1.root.json")?.readAll(
            limit: MetadataLimits.rootByteCount)
        guard try folder.list().isEmpty || first == documents[0].bytes else {
            throw FleetctlError(
                .refused, "\(path) has something else in it than this fleet's repository",
                hint: "name a new folder, or one that was exported to before")
        }
        // Names are plain: the profile of a fleet takes no others.
        for (file, bytes) in targets {
            try Self.write(bytes, to: "\(path)/targets/\(String(decoding: file, as: UTF8.self))")
        }
        for (name, bytes) in documents { try Self.write(bytes, to: "\(path)/metadata/\(name)") }
        try TextFile.write(String(decoding: timestamp, as: UTF8.self), to: "\(path)/metadata/timestamp.json")
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let (parent, name) = TextFile.split(path)
        try TextFile.makeFolder(parent)
        let folder = try Folder.open(parent)
        if let held = try folder.openFileIfPresent(name), try held.readAll(limit: bytes.count + 1) == bytes { return }
        let temporary = ".\(name).\(UInt64.random(in: .min ... .max)).tmp"
        let file = try folder.createFile(temporary)
        do {
            try file.write(bytes, at: 0)
            try file.sync()
            try folder.rename(temporary, to: name)
        } catch {
            _ = try? folder.unlinkIfPresent(temporary)
            throw error
        }
        try folder.sync()
    }

    // MARK: - Reading

    private mutating func addSet(_ role: RoleName, _ profile: MetadataProfile) async throws {
        guard let set = role.setName, let yanked = TargetPath(set + Array("/yanked".utf8)) else { return }
        // Looking for any target of the set brings its document, if it has one yet.
        do {
            _ = try await perform(update.find(yanked))
        } catch UpdateError.notListed {
            return
        }
        let suffix = ".\(role.fileName)"
        guard let bytes = documents.last(where: { $0.name.hasSuffix(suffix) })?.bytes else { return }
        for path in try Self.contents(bytes, profile).targets.keys.sorted(by: {
            $0.bytes.lexicographicallyPrecedes($1.bytes)
        }) {
            guard targets.count < Self.targetLimit,
                case .found(let target) = try await perform(update.find(path)),
                target.description.length <= Self.targetByteCount
            else { throw FleetctlError(.failed, "\(path) cannot be exported: there is too much of it") }
            let limit = Int(target.description.length)
            guard
                let bytes = try await source.target(
                    path, ofSet: String(decoding: set, as: UTF8.self), byteLimit: limit)
            else {
                missing.append(path)
                continue
            }
            targets.append((target.filePath, try target.verify(bytes).bytes))
        }
    }

    /// Carries out actions until one is the last of its kind. Throws `UpdateError`.
    private mutating func perform(_ first: [RepositoryUpdate.Action]) async throws -> RepositoryUpdate.Action {
        var actions = first
        var request: MetadataRequest?
        while true {
            var answer: RepositoryUpdate.Event?
            for action in actions {
                switch action {
                case .store(let role, let bytes):
                    if role == .timestamp {
                        timestamp = bytes
                    } else if let request {
                        documents.append((request.fileName, bytes))
                    }
                case .delete: continue
                case .load(let role): answer = .loaded(held(role))
                case .fetch(let asked):
                    request = asked
                    let bytes = try await source.document(asked)
                    answer = bytes.map { .fetched($0) } ?? .notFound
                case .refused(let error): throw error
                case .refreshed, .found, .absent: return action
                }
            }
            guard let answer else { preconditionFailure("an update that stands still") }
            actions = update.handle(answer)
        }
    }

    /// What was verified of a targets role in this export, so that it is read once.
    private func held(_ role: RoleName) -> [UInt8]? {
        documents.last { $0.name.hasSuffix(".\(role.fileName)") && role != .root && role != .snapshot }?.bytes
    }

    private static func contents(_ bytes: [UInt8], _ profile: MetadataProfile) throws -> TargetsMetadata {
        try TargetsMetadata(
            SignedMetadata(bytes, byteCount: MetadataLimits.targetsByteCount).signed, profile: profile, schemes: .own)
    }

    private mutating func note(_ document: SignedMetadata) {
        let place = document.signed["delegations"] ?? .object(document.signed)
        guard case .object(let object) = place, case .object(let keys)? = object["keys"] else { return }
        for member in keys.members {
            guard case .object(let key) = member.value, case .string(let type)? = key["keytype"] else { continue }
            let name = String(decoding: type, as: UTF8.self)
            if type != Ed25519Scheme.name, !unusualKeyTypes.contains(name) { unusualKeyTypes.append(name) }
        }
    }
}

/// A trust folder as a source: its documents, and release documents in `targets/SET/RELEASE`.
struct FolderSource: RepositorySource {
    let folder: TrustFolder

    func document(_ request: MetadataRequest) throws -> [UInt8]? {
        try read("metadata/\(request.fileName)", request.byteLimit)
    }

    func target(_ path: TargetPath, ofSet set: String, byteLimit: Int) throws -> [UInt8]? {
        try read("targets/\(String(decoding: path.bytes, as: UTF8.self))", byteLimit)
    }

    private func read(_ path: String, _ byteLimit: Int) throws -> [UInt8]? {
        try Folder.open(folder.path).openFileIfPresent(path)?.readAll(limit: byteLimit + 1)
    }
}

/// A fleet as a source: the keeper's documents, and release documents of the sets' origins; roots of the trust folder.
final class FleetSource: RepositorySource {
    private let session: FleetSession
    private let roots: [[UInt8]]
    private let documents: RepositoryDocuments
    /// Release documents by set and sequence, of the sets that were asked for.
    private var releases: [String: [UInt64: [UInt8]]] = [:]

    /// Asks the keeper. Throws a `FleetctlError` if it cannot be reached.
    init(_ session: FleetSession, roots: [[UInt8]]) async throws {
        self.session = session
        self.roots = roots
        documents = try await session.exchangeMetadata()
    }

    func document(_ request: MetadataRequest) -> [UInt8]? {
        guard request.role == .root, let version = request.version else { return documents.documents[request.role] }
        return documents.roots[version] ?? (version <= roots.count ? roots[Int(version) - 1] : nil)
    }

    func target(_ path: TargetPath, ofSet set: String, byteLimit: Int) async throws -> [UInt8]? {
        if path == FleetRoles.yanked(ofSet: set) {
            return try await session.metadata(of: set, at: session.keeper().name).list?.encode()
        }
        guard let sequence = FleetRoles.sequence(of: path, ofSet: set) else { return nil }
        if releases[set] == nil { releases[set] = try await documents(ofSet: set) }
        return releases[set]?[sequence]
    }

    private func documents(ofSet set: String) async throws -> [UInt64: [UInt8]] {
        guard let policy = session.fleet.set(named: set) else { return [:] }
        let line = try await AgentLine.open(
            AgentCommand(.releases, set: set), to: session.mirror(policy.origin), of: session)
        var found: [UInt64: [UInt8]] = [:]
        while let event = try await line.next() {
            if let item = event.item, item.set == set, let sequence = item.sequence {
                found[sequence] = item.bytes?.bytes
            }
            if event.kind == .done { break }
        }
        await line.close()
        return found
    }
}
