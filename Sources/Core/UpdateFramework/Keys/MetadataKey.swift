import Hashing

/// A key as a document has it: its JSON, and what verifies if its kind is known.
package struct MetadataKey: Sendable {
    /// The object of the document, members that nobody knows included: the id is the hash of all of it.
    package let object: JSONObject
    /// The id that the key should have.
    package let id: KeyID
    /// What verifies; nil if the kind is unknown, so that its signatures count for nothing.
    package let verifying: (any VerifyingKey)?

    /// The key of `scheme` with these public bytes, as our writer makes it; nil if they are no such key. The text is in
    /// hexadecimal, as all schemes of ours have it.
    package init?(scheme: some KeyScheme, publicBytes: [UInt8]) {
        let publicText = Hexadecimal.letters(publicBytes)
        guard let verifying = scheme.verifyingKey(publicText: publicText) else { return nil }
        var value = JSONObject()
        value["public"] = .string(publicText)
        object = JSONObject(sorted: [
            JSONObject.Member(name: Array("keytype".utf8), value: .string(scheme.keyType)),
            JSONObject.Member(name: Array("keyval".utf8), value: .object(value)),
            JSONObject.Member(name: Array("scheme".utf8), value: .string(scheme.scheme)),
        ])
        id = KeyID(ofCanonicalKey: JSONWriter.canonical(.object(object)))
        self.verifying = verifying
    }

    /// The member `keytype`: which kind of key it is.
    package var keyType: [UInt8] {
        guard case .string(let text)? = object["keytype"] else { return [] }
        return text
    }

    /// The public bytes, of kinds whose text is in hexadecimal; nil for others.
    package var publicBytes: [UInt8]? {
        guard case .object(let value)? = object["keyval"], case .string(let text)? = value["public"] else { return nil }
        return Hexadecimal.bytes(text)
    }

    /// Reads a key. Throws ``MetadataError`` if a member is missing, or the kind is known and the text is no such key:
    /// a wrong length above all.
    init(_ value: JSONValue, place: MetadataPlace, schemes: KeySchemes) throws(MetadataError) {
        let members = try MetadataReader(value, place: place)
        let keyType = try members.string("keytype")
        let schemeName = try members.string("scheme")
        let publicText = try members.object("keyval").string("public")
        object = members.object
        id = KeyID(ofCanonicalKey: JSONWriter.canonical(.object(members.object)))
        if let scheme = schemes.scheme(keyType: keyType, scheme: schemeName) {
            guard let key = scheme.verifyingKey(publicText: publicText) else {
                throw MetadataError(.badKey(type: keyType), at: place)
            }
            verifying = key
        } else {
            verifying = nil
        }
    }
}
