import LinuxIO
import Trust
import UpdateFramework

/// What came of `--request`: a file that asks for signatures.
struct RequestOutcome: Codable {
    /// The file.
    var file: String
    /// Signatures that are needed, and that are there.
    var wanted: Int
    var signed: Int
    /// Who could sign, by key id and owner.
    var missing: [String]

    /// Signs `request` with `signers`, and writes it to `path`. Throws `FileError`, and what a signer throws.
    static func write(_ request: some RoleRequest, signers: [any MetadataSigner], to path: String) throws -> Self {
        var request = request
        for signer in signers { _ = try request.sign(with: signer) }
        try TextFile.write(String(decoding: request.file, as: UTF8.self), to: path)
        return Self(request, file: path)
    }

    private init(_ request: some RoleRequest, file: String) {
        self.file = file
        let state = request.change.document.states.first
        wanted = state?.rule.grant.threshold ?? 0
        signed = state?.signed.count ?? 0
        missing = request.missing.map(\.owned.words)
    }

    /// For people.
    var text: String {
        "  \(file) asks for \(wanted) signatures, and has \(signed)"
            + missing.map { "\n  missing     \($0)" }.joined()
    }
}
