import Hashing

/// Writes metadata: values in, exact bytes out, which ``RepositoryUpdate`` and every other client of TUF 1.0 reads.
///
/// Signatures need not be made in one place: ``signature(over:by:)`` makes one wherever a key is, and ``document(_:signatures:)``
/// puts them together.
package struct MetadataWriter: Sendable {
    private let profile: MetadataProfile

    /// A writer of documents that name their fleet and role, if the profile is a fleet's.
    package init(profile: MetadataProfile) {
        self.profile = profile
    }

    /// The member `signed` of a document of `role`.
    package func signed(_ contents: some MetadataContents, role: RoleName) -> JSONObject {
        var object = contents.ownMembers
        object["_type"] = .text(type(of: contents).type)
        object["spec_version"] = .text(MetadataHeader.specificationVersion)
        object["version"] = .integer(contents.version)
        object["expires"] = .string(contents.expires.text)
        if case .fleet(let fleet) = profile {
            var names = contents.fleetMembers
            names["fleet"] = .string(fleet)
            names["role"] = .string(role.bytes)
            object[MetadataProfile.member] = .object(names)
        }
        return object
    }

    /// One signature over `signed`. Throws what the signer throws.
    package static func signature(over signed: JSONObject, by signer: some MetadataSigner) throws -> MetadataSignature {
        MetadataSignature(keyID: signer.key.id, bytes: try signer.sign(JSONWriter.canonical(.object(signed))))
    }

    /// The bytes of the document: `signed` and its signatures, ascending by key id, one of each key.
    package static func document(_ signed: JSONObject, signatures: [MetadataSignature]) -> [UInt8] {
        var byKey: [KeyID: MetadataSignature] = [:]
        for signature in signatures { byKey[signature.keyID] = signature }
        var document = JSONObject()
        document["signed"] = .object(signed)
        document["signatures"] = value(of: byKey.values.sorted { $0.keyID < $1.keyID })
        return JSONWriter.valid(.object(document))
    }

    /// Signatures as a document has them.
    static func value(of signatures: [MetadataSignature]) -> JSONValue {
        .array(
            signatures.map { signature in
                var object = JSONObject()
                object["keyid"] = .string(signature.keyID.bytes)
                object["sig"] = .string(Hexadecimal.letters(signature.bytes ?? []))
                return .object(object)
            })
    }

    /// The bytes of a document that all `signers` sign here. Throws what a signer throws.
    package func document(
        _ contents: some MetadataContents, role: RoleName, signers: [any MetadataSigner]
    ) throws -> [UInt8] {
        let signed = signed(contents, role: role)
        let signatures = try signers.map { signer in try Self.signature(over: signed, by: signer) }
        return Self.document(signed, signatures: signatures)
    }
}
