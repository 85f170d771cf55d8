import Content
import FleetAPI
import FleetModel
import Store

/// What an operator wants of a draft beside its tree.
struct DraftWish {
    /// The operator's word that the release may take away more than hosts allow.
    private let confirmsRemoval: Bool
    /// The release that was signed elsewhere, of which the draft must be; nil: whatever the tree is.
    let signed: ReleaseDocument?

    /// Reads it from `command`. Throws `CommandFailure` if what it says is signed is no release document.
    init(_ command: AgentCommand) throws {
        confirmsRemoval = command.confirmDelete ?? false
        do {
            signed = try (command.release?.bytes).map { try ReleaseDocument(decoding: $0) }
        } catch {
            throw CommandFailure(.refused, "the signed release cannot be read: \(error)")
        }
    }

    /// Whether release `sequence` may take away more than hosts allow; a signed one says so itself.
    func confirmsRemoval(_ sequence: UInt64) -> Bool {
        signed.map { $0.removalConfirmedAt == sequence } ?? confirmsRemoval
    }

    /// Throws `CommandFailure` unless `draft`, which is of the tree that the head has, is of a head that was asked for.
    func expectHead(_ draft: IngestDraft, set: String) throws {
        guard let signed, let head = draft.previous, head.digest != signed.digest else { return }
        throw stale(signed, "the tree is what release \(head.sequence) of \(set) holds already")
    }

    /// Throws `CommandFailure` that says what differs unless `document` is the signed one, byte for byte.
    func expect(_ document: ReleaseDocument) throws {
        guard let signed, signed != document else { return }
        let reason =
            if (signed.fleet, signed.set) != (document.fleet, document.set) {
                "it is of \(signed.fleet)/\(signed.set)"
            } else if signed.sequence != document.sequence || signed.predecessor != document.predecessor {
                "another release was signed since; the next one is \(document.sequence)"
            } else if signed.manifest != document.manifest || signed.topModified != document.topModified {
                "the tree is another one now"
            } else {
                "the tree is the same, and what the document says beside it is not"
            }
        throw stale(signed, reason)
    }

    private func stale(_ signed: ReleaseDocument, _ reason: String) -> CommandFailure {
        CommandFailure(
            .refused, "release \(signed.sequence), as it was signed, cannot be made any more: \(reason)",
            hint: "put the tree back as it was, or ask for signatures again: publish --request FILE")
    }
}
