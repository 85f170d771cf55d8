import ArgumentParser
import FleetCertificates
import FleetModel
import Glibc
import LinuxIO
import SigningKeys
import UpdateFramework

/// One command that changes the trust of a fleet: under the folder's lock, from what is signed to what counts, or waits.
struct TrustEditing {
    let folder: TrustFolder
    let place: TrustPlace
    let trust: FleetTrust
    private let lock: FileLock

    /// Takes the folder. Throws a `FleetctlError` if a change waits for signatures already: one follows the other.
    init(_ place: TrustPlace) throws {
        self.place = place
        folder = try place.open()
        lock = try folder.lock()
        let state = try folder.state()
        guard state.pending == nil, let trust = state.trust else {
            throw FleetctlError(
                .refused, "a change waits for signatures, and the next one has to follow it",
                hint: "\(place.command("show")) says which; \(place.command("discard")) forgets it")
        }
        self.trust = trust
    }

    /// Signs the change to `plan` with the keys that are here; it counts, or waits. Throws `TrustChangeError`, and what
    /// signing throws.
    func carryOut(
        _ plan: TrustPlan, more: [String], passphrases: PassphraseSource
    ) throws -> TrustOutcome {
        let expires = MetadataTime(
            secondsSince1970: Int64(time(nil)) + TrustFolder.offlineDays * TrustFolder.secondsPerDay)
        var change = try TrustChange(from: trust, to: plan, expires: expires)
        // Before anybody types a passphrase: what is signed can be read first.
        for line in change.words { Terminal.standard.note(line) }
        try folder.sign(&change, more: more, passphrases: passphrases)
        if change.isComplete { try folder.publish(change) } else { try folder.keep(change) }
        return TrustOutcome(change)
    }

    /// What is signed, with what `fleet` says of `set` (nil: of all its sets) in the place of what is signed of it; nil if
    /// that is the same. Throws a `FleetctlError` if nobody may sign for a set.
    func plan(by fleet: Fleet, set: String? = nil) throws -> TrustPlan? {
        var plan = TrustPlan(trust)
        let policies = fleet.signatureNeeds(signed: plan.policies).policies.filter { set == nil || $0.key == set }
        for (name, policy) in policies.sorted(by: { $0.key < $1.key }) {
            do throws(TrustChangeError) {
                try plan.setPolicy(policy, ofSet: name)
            } catch {
                throw FleetctlError(
                    .refused, "nothing can be signed of \(name): \(error)", hint: place.command("delegate \(name)"))
            }
        }
        return policies.isEmpty ? nil : plan
    }

    /// Carries out a change for which the key file `made` was made: without the change it goes again. Throws what `body`
    /// throws.
    func carryOut(made file: String?, _ body: () throws -> TrustOutcome) throws -> TrustOutcome {
        do {
            var outcome = try body()
            outcome.keyFiles = [file].compactMap { $0 }
            return outcome
        } catch {
            if let file { unlink(file) }
            throw error
        }
    }
}

/// What became of a change.
struct TrustOutcome: Encodable {
    struct Document: Encodable {
        var role: String
        var version: Int64
    }

    struct Missing: Encodable {
        var key: String
        var owner: String
        var roles: [String]
    }

    /// Whether it counts now.
    var isComplete: Bool
    var documents: [Document]
    /// Who could still sign.
    var missing: [Missing]
    /// Files of secret keys that were made for it.
    var keyFiles: [String] = []
    /// What is said in words.
    private let lines: [String]

    /// Nothing had to be signed.
    static var unchanged: TrustOutcome { TrustOutcome() }

    private init() {
        isComplete = true
        documents = []
        missing = []
        lines = []
    }

    private enum CodingKeys: CodingKey { case isComplete, documents, missing, keyFiles }

    init(_ change: TrustChange) {
        isComplete = change.isComplete
        documents = change.documents.map { Document(role: "\($0.role)", version: $0.version) }
        missing = change.missing.map { owned, roles in
            Missing(
                key: owned.key.id.text, owner: String(decoding: owned.owner, as: UTF8.self),
                roles: roles.map(\.description))
        }
        lines = change.documents.flatMap { document in
            document.states.filter { !$0.isMet }.map { state in
                "\(document.role) \(document.version) lacks \(state.rule.grant.threshold - state.signed.count) of"
                    + " \(state.rule.grant.threshold) signatures, as \(state.rule.delegator)"
                    + " \(state.rule.delegatorVersion) wants them, by: "
                    + state.unsigned.map(\.words).joined(separator: "; ")
            }
        }
    }

    /// Prints it, and says what comes next.
    func show(_ format: OutputFormat, place: TrustPlace) throws {
        switch format {
        case .json: try printJSON(self)
        case .table:
            for line in lines { print(line) }
            print(isComplete ? "signed" : "waits for signatures")
        }
        let terminal = Terminal.standard
        for file in keyFiles { terminal.note("made \(file)") }
        guard !isComplete else { return }
        terminal.note(
            "hint: \(place.command("request")) > FILE; who is named signs it with `fleetctl trust sign FILE --key KEY`")
        terminal.note("hint: then \(place.command("import")) FILE")
    }
}

/// A public key as operators give it: a file, or the line of one.
struct PublicKeyArgument {
    let owned: OwnedKey
    let kind: SigningKeyKind

    /// The key `text`, of `owner` or of whom its file names. Throws `CredentialError`, and a `FleetctlError` if it is
    /// neither.
    init(_ text: String, owner: String?) throws {
        let contents: KeyFileText
        if SigningKeyKind.allCases.contains(where: { text.hasPrefix($0.rawValue + ":") }) {
            do throws(KeyFileProblem) {
                contents = try KeyFileText(text)
            } catch {
                throw FleetctlError(
                    .usage, "this is no public key: \(error)", hint: "give all of its line, or its file")
            }
        } else {
            contents = try SigningKeyFile.readPublic(text)
        }
        kind = contents.kind
        owned = OwnedKey(contents.key, owner: Array(KeyFileText.clean(owner ?? contents.comment).utf8))
    }
}
