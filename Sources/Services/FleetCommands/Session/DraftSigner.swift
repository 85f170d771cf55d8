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
        var notes = notes
        if let files = draft.removedFiles, let bytes = draft.removedBytes { notes.removed = (files, bytes) }
        let target = RoleChange.Target(
            path: FleetRoles.release(draft.sequence, ofSet: signers.set), bytes: document)
        let change = try signers.change(after: held, to: target, notes: notes) {
            $0.add(release: draft.sequence, document: document)
        }
        return .request(try RequestOutcome.write(try ReleaseRequest(change), signers: signers.signers, to: path))
    }
}

/// Takes a release that was signed elsewhere.
struct SignedRelease: DraftSigner {
    let signed: SignedRequest<ReleaseRequest>

    /// What was read from, on the origin's host; nil if the file does not say.
    var source: String? { signed.request.change.notes.source }
    var signedDocument: [UInt8]? { signed.request.bytes }

    func sign(_ document: [UInt8], _ draft: ReleaseDraft, after held: RepositoryDocuments) throws -> DraftAnswer {
        guard document == signed.request.bytes else {
            throw FleetctlError(
                .refused, "the origin drafted another release than the one that was signed",
                hint: "upgrade its agent, or look into that host")
        }
        return .release(try signed.documents(after: held))
    }
}
