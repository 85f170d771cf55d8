import Hashing

/// A signature as a document has it.
package struct MetadataSignature: Hashable, Sendable {
    /// The key that it says it is by; a hint where to look, nothing more.
    package let keyID: KeyID
    /// The bytes; nil if the text is not hexadecimal, which counts as a wrong signature.
    package let bytes: [UInt8]?

    /// The signature `bytes` that says it is by `keyID`.
    package init(keyID: KeyID, bytes: [UInt8]?) {
        self.keyID = keyID
        self.bytes = bytes
    }
}

/// A document with its signatures, read and not verified.
package struct SignedMetadata: Sendable {
    /// As received: what is stored, hashed and passed on.
    package let bytes: [UInt8]
    /// The member `signed`, everything in it kept.
    package let signed: JSONObject
    /// Canonical JSON of `signed`: what signatures are over.
    package let signedBytes: [UInt8]
    /// In their order, each key id once.
    package let signatures: [MetadataSignature]

    /// Reads the envelope of at most `byteCount` bytes. Throws ``MetadataError``.
    package init(_ bytes: [UInt8], byteCount: Int) throws(MetadataError) {
        let top = MetadataPlace("document")
        let value: JSONValue
        do {
            value = try JSONReader.read(
                bytes, limits: JSONLimits(byteCount: byteCount, valueCount: MetadataLimits.valueCount))
        } catch {
            throw MetadataError(.json(error), at: top)
        }
        let document = try MetadataReader(value, place: top)
        signed = try document.object("signed").object
        var signatures: [MetadataSignature] = []
        for item in try document.array("signatures", limit: MetadataLimits.signatures) {
            let signature = try MetadataReader(item, place: top.member("signatures"))
            signatures.append(
                MetadataSignature(
                    keyID: try MetadataReader.keyID(try signature.string("keyid"), place: signature.place),
                    bytes: Hexadecimal.bytes(try signature.string("sig"))))
        }
        if let repeated = MetadataReader.firstRepeated(signatures.map(\.keyID)) {
            throw MetadataError(.repeatedKeyID(repeated), at: top.member("signatures"))
        }
        self.bytes = bytes
        self.signatures = signatures
        signedBytes = JSONWriter.canonical(.object(signed))
    }

    /// The document as a value, to be part of another one.
    var value: JSONValue {
        var object = JSONObject()
        object["signed"] = .object(signed)
        object["signatures"] = MetadataWriter.value(of: signatures)
        return .object(object)
    }

    /// Whether the names of fleet and role, if `profile` wants them, are those expected. Nil if they are.
    func strayName(profile: MetadataProfile, role: RoleName) -> StrayName? {
        guard case .fleet(let fleet) = profile else { return nil }
        guard case .object(let names)? = signed[MetadataProfile.member], case .string(let foundFleet)? = names["fleet"],
            case .string(let foundRole)? = names["role"]
        else { return .unnamed }
        guard foundFleet == fleet else { return .otherFleet(expected: fleet, found: foundFleet) }
        guard foundRole == role.bytes else { return .otherRole(found: foundRole) }
        return nil
    }

    /// How the names in a document differ from what was asked for.
    enum StrayName {
        case unnamed
        case otherFleet(expected: [UInt8], found: [UInt8])
        case otherRole(found: [UInt8])
    }
}
