/// Who owns the keys of a document, in words for people: a member of a fleet's documents that other clients ignore.
/// Nothing is decided by it.
package struct KeyOwners: Hashable, Sendable {
    /// Bytes of one owner's words.
    package static let byteCount = 100

    /// Printable ASCII by key.
    package private(set) var names: [KeyID: [UInt8]] = [:]

    /// No words.
    package init() {}

    /// What is said of the key `id`; nil if nothing is. What is set is cut to ``byteCount``, anything but printable ASCII
    /// becomes a question mark, and no words are nil.
    package subscript(_ id: KeyID) -> [UInt8]? {
        get { names[id] }
        set {
            let plain = newValue.map { $0.prefix(Self.byteCount).map { Self.isPlain($0) ? $0 : UInt8(ascii: "?") } }
            names[id] = plain?.isEmpty == true ? nil : plain
        }
    }

    /// From the member of a fleet that `signed` may have. Throws ``MetadataError``.
    init(_ signed: MetadataReader, profile: MetadataProfile) throws(MetadataError) {
        guard profile.isOwn, let fleet = try signed.objectIfPresent(MetadataProfile.member),
            let owners = try fleet.objectIfPresent(Self.member)
        else { return }
        for member in owners.object.members {
            let id = try MetadataReader.keyID(member.name, place: owners.place)
            guard case .string(let name) = member.value, !name.isEmpty, name.count <= Self.byteCount,
                name.allSatisfy(Self.isPlain)
            else {
                throw MetadataError(
                    .badName(member.name, allowed: "a key with 1 to \(Self.byteCount) printable characters"),
                    at: owners.place)
            }
            names[id] = name
        }
    }

    /// The member `owners`, or nothing.
    var members: JSONObject {
        var object = JSONObject()
        guard !names.isEmpty else { return object }
        object[Self.member] = .object(
            JSONObject(
                sorted: names.sorted { $0.key < $1.key }.map {
                    JSONObject.Member(name: $0.key.bytes, value: .string($0.value))
                }))
        return object
    }

    private static let member = "owners"

    private static func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7F }
}
