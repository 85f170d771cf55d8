import ArgumentParser
import Trust
import UpdateFramework

/// How a release, or yanked paths, are signed on several machines.
struct SignatureRequestOption: ParsableArguments {
    @Option(
        name: .customLong("request"),
        help: "Change nothing yet: write this file, which asks others for their signatures.")
    var request: String?
    @Option(
        name: .customLong("import"),
        help: "Carry out what was signed in this file; may be given again for copies signed elsewhere.")
    var imports: [String] = []

    /// Whether either was given.
    var isGiven: Bool { request != nil || !imports.isEmpty }

    func validate() throws {
        guard request == nil || imports.isEmpty else {
            throw ValidationError("--request and --import exclude each other")
        }
    }

    /// Who signs releases of `set`: the keys on this machine, or those of others. Throws a `FleetctlError` if signatures
    /// are missing.
    /// - Parameter notes: what a request says of the source.
    func signer(
        of set: String, keys: SetKeyOption, notes: SourceNotes, _ session: FleetSession
    ) throws -> any DraftSigner {
        if let request {
            return RequestWriter(path: request, signers: try keys.signers(of: set, wanted: 0, session), notes: notes)
        }
        guard !imports.isEmpty else { return try keys.signers(of: set, session) }
        return try signedRelease(of: set, keys: keys, session)
    }

    /// The release that was signed in the files that are imported.
    func signedRelease(of set: String, keys: SetKeyOption, _ session: FleetSession) throws -> SignedRelease {
        SignedRelease(signed: try signed(for: .release, of: set, keys: keys, session))
    }

    /// What was signed in the files that are imported, for `kind` of `set`.
    func signed<Request: RoleRequest>(
        for kind: RoleRequestKind, of set: String, keys: SetKeyOption, _ session: FleetSession
    ) throws -> SignedRequest<Request> {
        // Keys that lie here sign nothing that nobody asked them for.
        let signers = keys.files.isEmpty ? [] : try keys.signers(of: set, wanted: 0, session).signers
        return try SignedRequest(imports, for: kind, of: set, signers: signers, OperatorTrust(session))
    }
}
