import FleetAPI
import FleetCertificates
import FleetModel
import LinuxIO
import SigningKeys
import Trust
import TrustFiles
import UpdateFramework

/// The operator's side of the fleet's trust: the metadata in the trust folder, and the secret keys on this machine.
struct OperatorTrust {
    /// The trust folder.
    let folder: String
    let fleet: String
    /// What is in its `metadata`; roots at least.
    let documents: RepositoryDocuments
    private let metadata: MetadataFolder
    /// Files of keys that were named on the command line; none: all of the folder's `keys`.
    private let keyFiles: [String]

    /// Reads the folder that fleet.yaml names. Throws a `FleetctlError` with exit code 78 if there is no root in it.
    init(_ session: FleetSession, keyFiles: [String] = []) throws {
        folder = session.fleet.trust.folder
        fleet = session.fleet.name
        self.keyFiles = keyFiles
        do {
            metadata = try MetadataFolder(path: "\(folder)/metadata")
            documents = try metadata.read()
        } catch {
            throw FleetctlError(
                .badConfiguration, "the trust folder cannot be read: \(error)",
                hint: "make it with: \(session.command) trust init")
        }
        guard !documents.roots.isEmpty else {
            throw FleetctlError(
                .badConfiguration, "there is no root in \(folder)/metadata",
                hint: "make it with: \(session.command) trust init")
        }
    }

    /// The newest root alone: where the verification of what others give begins.
    var roots: RepositoryDocuments { RepositoryDocuments(roots: documents.roots) }

    /// The repository that `offered` makes with what is here, whether it has expired or not; nil if no keeper has signed
    /// anything yet. Throws `UpdateError` if it is refused.
    func repository(with offered: RepositoryDocuments) throws(UpdateError) -> VerifiedRepository? {
        guard offered.documents[.timestamp] != nil || documents.documents[.timestamp] != nil else { return nil }
        return try VerifiedRepository.update(
            documents, with: offered, fleet: fleet, now: MetadataTime(secondsSince1970: 0)
        ).result.get()
    }

    /// Who may sign what, by the newest root and targets of `repository`, or of the trust folder if there is none. Throws
    /// `UpdateError`.
    func authority(_ repository: VerifiedRepository?) throws(UpdateError) -> FleetTrust {
        let newest = repository?.documents ?? documents
        guard let targets = newest.documents[.targets] else { throw .missing(.targets, version: nil) }
        return try FleetTrust(
            fleet: Array(fleet.utf8), roots: newest.roots.sorted { $0.key < $1.key }.map(\.value), targets: targets)
    }

    /// Who signs for `set`: by the targets role in the trust folder, or in `repository` where that is newer. Throws a
    /// `FleetctlError` if nobody does.
    func signers(ofSet set: String, _ repository: VerifiedRepository?) throws -> RoleKeys {
        let own = try targets()
        if let repository, repository.versions[.targets] > own?.version ?? 0 {
            if let keys = repository.signers(ofSet: set) { return keys }
        } else if let keys = own?.delegations.first(where: { $0.role == FleetRoles.role(ofSet: set) })?.keys {
            return keys
        }
        throw FleetctlError(
            .refused, "no key of fleet \(fleet) may sign releases of \(set)",
            hint: "fleetctl trust delegate \(set)")
    }

    /// The targets role in the trust folder.
    private func targets() throws -> TargetsMetadata? {
        guard let bytes = documents.documents[.targets] else { return nil }
        let document = try SignedMetadata(bytes, byteCount: MetadataLimits.byteCount(of: .targets))
        return try TargetsMetadata(document.signed, profile: .fleet(Array(fleet.utf8)), schemes: .own)
    }

    /// What signs with keys of `role` on this machine, each key once. Asks for passphrases. Throws a `FleetctlError` that
    /// names what is missing if those are fewer than `wanted`, by default as many as the role wants.
    func open(
        _ role: RoleKeys, of what: String, wanted: Int? = nil, passphrases: PassphraseSource
    ) throws -> [any MetadataSigner] {
        var found: [KeyID: any MetadataSigner] = [:]
        var unreadable: (any Error)?
        for path in try files() {
            let id: KeyID
            do {
                // What is another role's is not asked for a passphrase.
                id = try SigningKeyFile.readPublic(path).key.id
            } catch {
                guard keyFiles.isEmpty else { throw error }
                unreadable = unreadable ?? error
                continue
            }
            guard role.keyIDs.contains(id) else {
                if keyFiles.isEmpty { continue }
                throw FleetctlError(
                    .refused, "\(path) is not a key of the role: its id is \(id)", hint: "fleetctl trust show")
            }
            if found[id] == nil { found[id] = try passphrases.signer(path) }
        }
        let signers = found.sorted { $0.key < $1.key }.map(\.value)
        if signers.count < wanted ?? role.threshold {
            if let unreadable { throw unreadable }
            let keys = role.threshold == 1 ? "1 key" : "\(role.threshold) keys"
            throw FleetctlError(
                .refused,
                "\(what) take the signatures of \(keys), and \(signers.count) of theirs "
                    + "\(signers.count == 1 ? "is" : "are") on this machine",
                hint:
                    "name the key's file with --key, or see whose it is: fleetctl trust show; others can sign on"
                    + " their machines: fleetctl publish SET --request FILE, and so for release rollback, yank, unyank")
        }
        return signers
    }

    private func files() throws -> [String] {
        if !keyFiles.isEmpty { return try keyFiles.map { try WorkingFolder.absolute($0) } }
        guard let keys = try Folder.open(folder).subfolderIfPresent("keys") else { return [] }
        let names = try keys.list().filter { $0.type != .directory }.map { String(decoding: $0.name, as: UTF8.self) }
        return names.filter { $0.hasSuffix(".key") }.sorted().map { "\(folder)/keys/\($0)" }
    }

    /// What of the trust folder a host with `versions` lacks, and may take from an operator.
    func documents(newerThan versions: MetadataVersions) throws -> RepositoryDocuments {
        var newer = RepositoryDocuments(roots: documents.roots.filter { $0.key > versions.root })
        if let targets = try targets(), targets.version > versions[.targets] {
            newer.documents[.targets] = documents.documents[.targets]
        }
        return newer
    }

    /// Keeps what was verified, so that the folder is as new as what was seen. Throws `FileError`.
    func keep(_ repository: VerifiedRepository) throws(FileError) {
        try metadata.write(repository.documents, versions: repository.versions)
    }
}

extension FleetctlError {
    /// What the origin of `set` has does not follow from the trust folder.
    static func refusedMetadata(_ error: UpdateError, ofSet set: String) -> FleetctlError {
        FleetctlError(
            .refused, "the origin has metadata that the trust folder refuses: \(error)",
            hint: "fleetctl trust show --explain \(set)")
    }
}
