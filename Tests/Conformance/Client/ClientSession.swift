import UpdateFramework

/// One update: carries out what the machine decides.
struct ClientSession {
    private let kept: KeptFiles
    private let repository: RepositoryReader
    private var update: RepositoryUpdate

    /// An update from the kept root. Throws ``UpdateError``, or an error of files.
    init(kept: KeptFiles, repository: RepositoryReader, now: MetadataTime, profile: MetadataProfile) throws {
        guard let root = try kept.read(RoleName.root.fileName, limit: MetadataLimits.rootByteCount) else {
            throw UpdateError.missing(.root, version: nil)
        }
        self.kept = kept
        self.repository = repository
        update = try RepositoryUpdate(
            trustedRoot: root, now: now, profile: profile, schemes: KeySchemes.own.adding(PEMScheme.all))
    }

    /// Brings the top-level metadata up to date.
    consuming func refresh() async throws -> ClientSession {
        var session = self
        _ = try await session.perform(session.update.begin())
        return session
    }

    /// The description of a target; nil if there is none.
    mutating func find(_ path: TargetPath) async throws -> VerifiedTarget? {
        guard case .found(let target) = try await perform(update.find(path)) else { return nil }
        return target
    }

    /// Goes on until the machine asks for nothing more; returns the last decision.
    private mutating func perform(_ first: [RepositoryUpdate.Action]) async throws -> RepositoryUpdate.Action? {
        var actions = first
        while true {
            var answer: RepositoryUpdate.Event?
            for action in actions {
                switch action {
                case .store(let role, let bytes): try kept.store(bytes, as: role.fileName)
                case .delete(let role): try kept.delete(role.fileName)
                case .load(let role):
                    answer = .loaded(try kept.read(role.fileName, limit: MetadataLimits.targetsByteCount))
                case .fetch(let request):
                    let bytes = try await repository.read(Array(request.fileName.utf8), limit: request.byteLimit)
                    answer = bytes.map { .fetched($0) } ?? .notFound
                case .refused(let error): throw error
                case .refreshed, .found, .absent: return action
                }
            }
            guard let answer else { return nil }
            actions = update.handle(answer)
        }
    }
}
