import Content
import FleetAPI
import Glibc
import LinuxIO
import Trust
import UpdateFramework

/// What an operator does with a draft.
protocol DraftSigner {
    /// The release document that was signed before; nil if none was.
    var signedDocument: [UInt8]? { get }

    /// What becomes of the draft, whose document is `document`, after `held`, what the origin has. Throws a
    /// `FleetctlError`, `UpdateError`, and what a key's keeper throws.
    func sign(_ document: [UInt8], _ draft: ReleaseDraft, after held: RepositoryDocuments) throws -> DraftAnswer
}

extension DraftSigner {
    var signedDocument: [UInt8]? { nil }
}

/// What becomes of a draft.
enum DraftAnswer {
    /// A release, by these documents.
    case release(RepositoryDocuments)
    /// Nothing now: others are asked to sign it.
    case request(RequestOutcome)
}

/// Signs at once, with the keys on this machine.
extension SetRoleSigning.Signers: DraftSigner {
    func sign(_ document: [UInt8], _ draft: ReleaseDraft, after held: RepositoryDocuments) throws -> DraftAnswer {
        .release(try documents(after: held, now: .current) { $0.add(release: draft.sequence, document: document) })
    }
}

extension MetadataTime {
    /// Now, by the clock of this machine.
    static var current: MetadataTime { MetadataTime(secondsSince1970: Int64(time(nil))) }
}

/// Writes a file that asks others for their signatures, with those of the keys on this machine.
struct RequestWriter: DraftSigner {
    /// The file.
    let path: String
    let signers: SetRoleSigning.Signers
    /// What the file says of the source.
    let notes: SourceNotes

    func sign(_ document: [UInt8], _ draft: ReleaseDraft, after held: RepositoryDocuments) throws -> DraftAnswer {
        let trust = signers.trust
        let repository = try trust.repository(with: held)
        var role = SetRole(of: signers.set, after: repository?.contents(ofSet: signers.set), now: .current)
        role.add(release: draft.sequence, document: document)
        let name = FleetRoles.role(ofSet: signers.set)
        var notes = notes
        if let files = draft.removedFiles, let bytes = draft.removedBytes { notes.removed = (files, bytes) }
        let change = try RoleChange(
            of: name, base: try trust.authority(repository), before: repository?.documents.documents[name],
            to: MetadataWriter.document(role.signed(fleet: trust.fleet), signatures: []),
            target: RoleChange.Target(
                path: FleetRoles.release(draft.sequence, ofSet: signers.set), bytes: document), notes: notes)
        var request = try ReleaseRequest(change)
        for signer in signers.signers { _ = try request.sign(with: signer) }
        try TextFile.write(String(decoding: request.file, as: UTF8.self), to: path)
        return .request(RequestOutcome(request, file: path))
    }
}

/// Takes a release that was signed elsewhere.
struct SignedRequest: DraftSigner {
    private let trust: OperatorTrust
    private let request: ReleaseRequest

    /// What was read from, on the origin's host; nil if the file does not say.
    var source: String? { request.change.notes.source }
    var signedDocument: [UInt8]? { request.bytes }

    /// The request of `set` in `files`, copies of one that were signed in several places, with the signatures of
    /// `signers`, too. Throws a `FleetctlError` if they are not of one, or signatures are missing, and `FileError`.
    init(_ files: [String], signers: [any MetadataSigner], set: String, _ trust: OperatorTrust) throws {
        guard let first = files.first else { preconditionFailure("an import of no file") }
        var request = try RequestFile.readRelease(first)
        for file in files.dropFirst() {
            let other = try RequestFile.readRelease(file)
            do throws(UpdateError) {
                _ = try request.merge(other.documents)
            } catch {
                throw FleetctlError(
                    .refused, "\(file) asks for something else than \(first), and nothing was taken",
                    hint: "both must come from one `publish --request`")
            }
        }
        guard (request.release.fleet, request.release.set) == (trust.fleet, set) else {
            throw FleetctlError(
                .usage,
                "\(first) is a release of \(request.release.fleet)/\(request.release.set), not of"
                    + " \(trust.fleet)/\(set)",
                hint:
                    "fleetctl publish \(request.release.set) --import, with the file of fleet \(request.release.fleet)")
        }
        for signer in signers { _ = try request.sign(with: signer) }
        self.trust = trust
        self.request = request
        try expectComplete(request)
    }

    func sign(_ document: [UInt8], _ draft: ReleaseDraft, after held: RepositoryDocuments) throws -> DraftAnswer {
        guard document == request.bytes else {
            throw FleetctlError(
                .refused, "the origin drafted another release than the one that was signed",
                hint: "upgrade its agent, or look into that host")
        }
        let repository = try trust.repository(with: held)
        let change: RoleChange
        do throws(TrustFileError) {
            change = try RoleChange(
                of: request.change.role, base: try Self.authority(trust, repository),
                before: repository?.documents.documents[request.change.role],
                to: request.change.document.document.bytes, target: request.change.target)
        } catch {
            throw FleetctlError(
                .refused, "what was signed does not follow from what the fleet has now: \(error)",
                hint: "ask for signatures again: publish \(request.release.set) --request FILE")
        }
        // By the keys of today, not by those that the file names.
        try expectComplete(change)
        var documents = try trust.documents(
            newerThan: repository?.versions ?? MetadataVersions(root: held.newestRoot?.version ?? 0))
        documents.documents[change.role] = change.document.document.bytes
        return .release(documents)
    }

    private static func authority(
        _ trust: OperatorTrust, _ repository: VerifiedRepository?
    ) throws(TrustFileError) -> FleetTrust {
        do throws(UpdateError) {
            return try trust.authority(repository)
        } catch {
            throw .document(error)
        }
    }

    private func expectComplete(_ request: some SignatureRequest) throws {
        guard !request.isComplete else { return }
        let state = request.documents.flatMap(\.states).first { !$0.isMet }
        let (found, wanted) = (state?.signed.count ?? 0, state?.rule.grant.threshold ?? 0)
        throw FleetctlError(
            .refused, "the release takes the signatures of \(wanted) \(wanted == 1 ? "key" : "keys"), and has \(found)",
            hint: "still missing: \(request.missing.map(\.owned.words).joined(separator: "; "))")
    }
}

/// What came of `publish --request`.
struct RequestOutcome: Codable {
    /// The file.
    var file: String
    /// Signatures that are needed, and that are there.
    var wanted: Int
    var signed: Int
    /// Who could sign, by key id and owner.
    var missing: [String]

    init(_ request: ReleaseRequest, file: String) {
        self.file = file
        let state = request.change.document.states.first
        wanted = state?.rule.grant.threshold ?? 0
        signed = state?.signed.count ?? 0
        missing = request.missing.map(\.owned.words)
    }

    /// For people.
    var text: String {
        "\n  \(file) asks for \(wanted) signatures, and has \(signed)"
            + missing.map { "\n  missing     \($0)" }.joined()
    }
}
