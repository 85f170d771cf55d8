import FleetModel
import Glibc
import SigningKeys
import Trust
import UpdateFramework

/// Gives what a trust folder says to the keeper, which makes it count in the fleet.
///
/// A set whose keys were replaced is signed again by its new ones on the way: the fleet would take no document that
/// nobody of today has signed.
struct TrustHandOver {
    let session: FleetSession
    let folder: TrustFolder
    /// Releases that are not to be signed again, as `SET/SEQUENCE`: somebody else may have signed them.
    var without: Set<TargetPath> = []

    /// What was handed over, and what was signed again for it.
    struct Outcome: Encodable {
        var keeper: String
        /// `ROLE VERSION` each.
        var documents: [String] = []
        /// Releases that a set's new keys signed again.
        var signedAgain: [String] = []
    }

    /// Hands over. Throws a `FleetctlError` if the keeper cannot be reached or refuses, or keys of a set are missing here.
    func run(passphrases: PassphraseSource) async throws -> Outcome {
        let held = try await session.exchangeMetadata()
        guard let trust = try folder.state().trust else {
            throw FleetctlError(.refused, "the first root waits for signatures: there is nothing to hand over")
        }
        var outcome = Outcome(keeper: try session.keeper().name)
        var documents = RepositoryDocuments()
        for (index, root) in try folder.roots().enumerated() {
            let version = Int64(index) + 1
            guard version > held.newestRoot?.version ?? 0 else { continue }
            documents.roots[version] = root
            outcome.documents.append("root \(version)")
        }
        if held.documents[.targets] != trust.targetsDocument.bytes {
            documents.documents[.targets] = trust.targetsDocument.bytes
            outcome.documents.append("targets \(trust.targets.version)")
        }
        let before = try trustBefore(held, fleet: trust.fleet)
        for set in trust.targets.setGrants {
            guard let bytes = held.documents[set.role] else { continue }
            documents.documents[set.role] = try signedAgain(bytes, set, trust, before, passphrases, &outcome)
        }
        guard !documents.isEmpty else { return outcome }
        let answer = try await session.exchangeMetadata(documents)
        let operatorTrust = try OperatorTrust(session)
        if let repository = try? operatorTrust.repository(with: answer) { try operatorTrust.keep(repository) }
        return outcome
    }

    /// What the keeper goes by, verified from the roots of this folder; nil if it has no targets yet, or they do not
    /// follow.
    private func trustBefore(_ held: RepositoryDocuments, fleet: [UInt8]) throws -> FleetTrust? {
        guard let version = held.newestRoot?.version, let targets = held.documents[.targets] else { return nil }
        let roots = Array(try folder.roots().prefix(Int(clamping: version)))
        return try? FleetTrust(fleet: fleet, roots: roots, targets: targets)
    }

    /// The next document of a set, by its keys of today; nil if they have signed the present one. What nobody who might
    /// then had signed is not signed now.
    private func signedAgain(
        _ bytes: [UInt8], _ set: SetGrant, _ trust: FleetTrust, _ before: FleetTrust?,
        _ passphrases: PassphraseSource, _ outcome: inout Outcome
    ) throws -> [UInt8]? {
        let document = try SignedMetadata(bytes, byteCount: MetadataLimits.byteCount(of: set.role))
        guard let rule = trust.targets.rule(for: set.role) else { return nil }
        let contents = try TargetsMetadata(document.signed, profile: trust.profile, schemes: .own)
        let leaves = contents.targets.keys.contains { without.contains($0) }
        guard leaves || !rule.state(of: document).isMet else { return nil }
        guard rule.state(of: document).isMet || before?.targets.rule(for: set.role)?.state(of: document).isMet == true
        else {
            throw FleetctlError(
                .refused, "the keeper's document of \(set.role) is signed by nobody who may sign it",
                hint: "is the right agent running on the keeper? fleetctl trust show")
        }
        let kept = contents.targets.filter { !without.contains($0.key) }
        let next = TargetsMetadata(
            version: contents.version + 1,
            expires: MetadataTime(secondsSince1970: Int64(time(nil)) + MetadataLifetimes().set), targets: kept)
        var signers: [any MetadataSigner] = []
        for path in try folder.keyFiles(of: set.grant) where signers.count < set.grant.threshold {
            signers.append(try passphrases.signer(path))
        }
        guard signers.count >= set.grant.threshold else {
            throw FleetctlError(
                .refused,
                "\(set.role) has to be signed again by \(set.grant.threshold) of its keys, and \(signers.count) of them"
                    + " are here",
                hint:
                    "fleetctl trust hand-over where they are; keys that are not in one place: take the change back, publish"
                    + " one release that all of them sign (publish --request), and make it then")
        }
        outcome.documents.append("\(set.role) \(next.version)")
        outcome.signedAgain += kept.keys.map(\.description).sorted()
        return try MetadataWriter(profile: trust.profile).document(next, role: set.role, signers: signers)
    }
}

extension TrustHandOver.Outcome {
    /// Prints it.
    func show(_ format: OutputFormat) throws {
        switch format {
        case .json: try printJSON(self)
        case .table:
            print(
                documents.isEmpty
                    ? "the keeper \(keeper) has all of it"
                    : "the keeper \(keeper) has \(documents.joined(separator: ", "))")
            if !signedAgain.isEmpty {
                print("signed again: \(signedAgain.joined(separator: ", "))")
            }
        }
    }
}
