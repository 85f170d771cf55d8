import FleetModel
import Trust
import UpdateFramework

/// Signs the next document of a set's role with the keys on this machine.
struct SetRoleSigning {
    let trust: OperatorTrust
    let set: String
    let passphrases: PassphraseSource

    /// The keys that will sign. Throws a `FleetctlError` if there are fewer here than `wanted`, by default as many as the
    /// role wants: better before the work than after it.
    func open(wanted: Int? = nil) throws -> Signers {
        let role = try trust.signers(ofSet: set, nil)
        let signers = try trust.open(role, of: "releases of \(set)", wanted: wanted, passphrases: passphrases)
        return Signers(trust: trust, set: set, signers: signers)
    }

    /// Opened keys of one set.
    struct Signers {
        let trust: OperatorTrust
        let set: String
        let signers: [any MetadataSigner]

        /// The documents to give to the keeper, so that the role of the set is what `change` makes of it after `held`,
        /// what the host has. Throws `UpdateError` if that is refused.
        func documents(
            after held: RepositoryDocuments, now: MetadataTime, _ change: (inout SetRole) -> Void
        ) throws -> RepositoryDocuments {
            let repository = try trust.repository(with: held)
            var role = SetRole(of: set, after: repository?.contents(ofSet: set), now: now)
            change(&role)
            let signed = role.signed(fleet: trust.fleet)
            let signatures = try signers.map { try MetadataWriter.signature(over: signed, by: $0) }
            let versions = repository?.versions ?? MetadataVersions(root: held.newestRoot?.version ?? 0)
            var documents = try trust.documents(newerThan: versions)
            documents.documents[FleetRoles.role(ofSet: set)] = MetadataWriter.document(signed, signatures: signatures)
            return documents
        }

        /// The same document without a signature, as a change that others can be asked to sign: it names `target` in the
        /// place of `replaced`. Throws `UpdateError` or `TrustFileError` if what the host has is refused.
        func change(
            after held: RepositoryDocuments, to target: RoleChange.Target, replacing replaced: [UInt8]? = nil,
            notes: SourceNotes = SourceNotes(), _ edit: (inout SetRole) -> Void
        ) throws -> RoleChange {
            let repository = try trust.repository(with: held)
            var role = SetRole(of: set, after: repository?.contents(ofSet: set), now: .current)
            edit(&role)
            let name = FleetRoles.role(ofSet: set)
            return try RoleChange(
                of: name, base: try trust.authority(repository), before: repository?.documents.documents[name],
                to: MetadataWriter.document(role.signed(fleet: trust.fleet), signatures: []), target: target,
                replacing: replaced, notes: notes)
        }
    }
}
