import Trust
import UpdateFramework

/// The next document of a set's role that was signed elsewhere, on its way to the hosts.
struct SignedRequest<Request: RoleRequest> {
    let trust: OperatorTrust
    let request: Request

    /// The request for `kind` of `set` in `files`, copies of one that were signed in several places, with the signatures
    /// of `signers`, too. Throws a `FleetctlError` if they are not of one, or signatures are missing, and `FileError`.
    init(
        _ files: [String], for kind: RoleRequestKind, of set: String, signers: [any MetadataSigner],
        _ trust: OperatorTrust
    ) throws {
        guard let first = files.first else { preconditionFailure("an import of no file") }
        var request = try RequestFile.read(first, as: Request.self)
        for file in files.dropFirst() {
            let other = try RequestFile.read(file, as: Request.self)
            do throws(UpdateError) {
                _ = try request.merge(other.documents)
            } catch {
                throw FleetctlError(
                    .refused, "\(file) asks for something else than \(first), and nothing was taken",
                    hint: "both must come from one `--request`")
            }
        }
        guard (request.fleet, request.set, request.kind) == (trust.fleet, set, kind) else {
            throw FleetctlError(
                .usage,
                "\(first) is for `\(request.kind.command) \(request.set)` of fleet \(request.fleet), not for"
                    + " `\(kind.command) \(set)` of fleet \(trust.fleet)",
                hint: "\(request.importCommand) FILE, with the file of fleet \(request.fleet)")
        }
        for signer in signers { _ = try request.sign(with: signer) }
        self.trust = trust
        self.request = request
        try expectComplete(request.change)
    }

    /// The documents to give to the keeper, after `held`, what the host has. Throws `UpdateError` if that is refused, and
    /// a `FleetctlError` if what was signed does not follow from it, or not enough of those sign who may now.
    func documents(after held: RepositoryDocuments) throws -> RepositoryDocuments {
        let repository = try trust.repository(with: held)
        let (signed, change) = (request.change, try self.change(after: repository))
        // By the keys of today, not by those that the file names.
        try expectComplete(change)
        var documents = try trust.documents(
            newerThan: repository?.versions ?? MetadataVersions(root: held.newestRoot?.version ?? 0))
        documents.documents[signed.role] = signed.document.document.bytes
        return documents
    }

    /// What was signed, as a change of what the role says now.
    private func change(after repository: VerifiedRepository?) throws(FleetctlError) -> RoleChange {
        let signed = request.change
        do {
            return try RoleChange(
                of: signed.role, base: try trust.authority(repository),
                before: repository?.documents.documents[signed.role], to: signed.document.document.bytes,
                target: signed.target, replacing: signed.replaced)
        } catch {
            throw FleetctlError(
                .refused, "what was signed does not follow from what the fleet has now: \(error)",
                hint: "ask for signatures again: \(request.kind.command) \(request.set), with --request FILE")
        }
    }

    private func expectComplete(_ change: RoleChange) throws(FleetctlError) {
        guard !change.isComplete else { return }
        let state = change.document.states.first { !$0.isMet }
        let (found, wanted) = (state?.signed.count ?? 0, state?.rule.grant.threshold ?? 0)
        throw FleetctlError(
            .refused,
            "the \(request.kind) takes the signatures of \(wanted) \(wanted == 1 ? "key" : "keys"), and has \(found)",
            hint: "still missing: \(change.missing.map(\.owned.words).joined(separator: "; "))")
    }
}

extension RoleRequestKind {
    /// The verb of `fleetctl` that carries it out; also `release rollback` imports a release.
    var command: String {
        switch self {
        case .release: "publish"
        case .yank: "yank"
        case .unyank: "unyank"
        }
    }
}

extension RoleRequest {
    /// How the command begins that takes its file once all have signed.
    var importCommand: String { "fleetctl \(kind.command) \(set) --import" }
}
