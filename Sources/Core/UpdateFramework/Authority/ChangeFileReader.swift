/// Reads a file that asks for signatures: JSON with a mark that says of what kind it is, and documents of TUF in it.
struct ChangeFileReader {
    private let reader: MetadataReader

    /// The file `bytes`, of at most `limit` bytes, if it is marked as one of `mark` and `version`. Throws
    /// ``TrustFileError``.
    init(_ bytes: [UInt8], mark: String, version: Int64, limit: Int) throws(TrustFileError) {
        reader = try Self.reading { () throws(MetadataError) in
            let reader = try Self.object(bytes, limit: limit)
            _ = try reader.integer(mark, from: version, to: version)
            return reader
        }
    }

    /// Whether the file is marked with `mark`; nothing else of it is looked at.
    static func isMarked(_ bytes: [UInt8], _ mark: String, limit: Int) -> Bool {
        (try? object(bytes, limit: limit))?.object[mark] != nil
    }

    /// The value of `body`, which reads from the file. Throws ``TrustFileError``.
    func read<Value>(_ body: (MetadataReader) throws(MetadataError) -> Value) throws(TrustFileError) -> Value {
        try Self.reading { () throws(MetadataError) in try body(reader) }
    }

    /// The text `name`. Throws ``TrustFileError``.
    func string(_ name: String) throws(TrustFileError) -> [UInt8] {
        try read { reader throws(MetadataError) in try reader.string(name) }
    }

    /// The documents in the member `name`, in the order of `roles`, which are all that may be there; none if there is no
    /// such member. Throws ``TrustFileError``.
    func documents(
        _ name: String, of roles: [RoleName]
    ) throws(TrustFileError) -> [(role: RoleName, bytes: [UInt8])] {
        try read { reader throws(MetadataError) in
            guard let members = try reader.objectIfPresent(name) else { return [] }
            if let other = members.object.members.first(where: { member in
                !roles.contains { $0.bytes == member.name }
            }) {
                let allowed = roles.map(\.description).joined(separator: " or ")
                throw MetadataError(.badName(other.name, allowed: allowed), at: members.place)
            }
            return roles.compactMap { role in members.object[role.bytes].map { (role, JSONWriter.valid($0)) } }
        }
    }

    /// The root and targets in the member `name`, verified as if that root were trusted; nil if there is no such member.
    /// Throws ``TrustFileError``.
    func trust(_ name: String, fleet: [UInt8]) throws(TrustFileError) -> FleetTrust? {
        let trusted = try documents(name, of: [.root, .targets])
        guard !trusted.isEmpty else { return nil }
        do throws(UpdateError) {
            guard trusted.map(\.role) == [.root, .targets] else {
                throw .missing(trusted.first?.role == .root ? .targets : .root, version: nil)
            }
            return try FleetTrust(fleet: fleet, roots: [trusted[0].bytes], targets: trusted[1].bytes)
        } catch {
            throw .document(error)
        }
    }

    private static func object(_ bytes: [UInt8], limit: Int) throws(MetadataError) -> MetadataReader {
        let place = MetadataPlace("file")
        let value: JSONValue
        do throws(JSONError) {
            let limits = JSONLimits(byteCount: limit, valueCount: 4 * MetadataLimits.valueCount)
            value = try JSONReader.read(bytes, limits: limits)
        } catch {
            throw MetadataError(.json(error), at: place)
        }
        return try MetadataReader(value, place: place)
    }

    private static func reading<Value>(_ body: () throws(MetadataError) -> Value) throws(TrustFileError) -> Value {
        do throws(MetadataError) {
            return try body()
        } catch {
            throw .form(error)
        }
    }
}

extension FleetTrust {
    /// Root and targets as a file has them.
    var value: JSONValue { .object(JSONObject([(.root, rootDocument), (.targets, targetsDocument)])) }
}

extension JSONObject {
    /// Documents by their roles.
    init(_ documents: [(role: RoleName, document: SignedMetadata)]) {
        self.init()
        for (role, document) in documents { self[role.bytes] = document.value }
    }
}

/// Why a file asks for no signature.
package enum TrustFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is not of the form.
    case form(MetadataError)
    /// A document in it is not what it should be.
    case document(UpdateError)
    /// Nobody signs for the role, by the targets in the file.
    case unknownRole(RoleName)
    /// The document changes a target that the file does not show.
    case hiddenTarget(TargetPath, role: RoleName)
    /// What is shown as replaced is not what the role names now.
    case otherReplaced(TargetPath, role: RoleName)
    /// A target is longer than a file can carry.
    case tooLong(TargetPath, byteCount: Int)
    /// The document hands its role on to other keys.
    case delegates(RoleName)

    package var description: String {
        switch self {
        case .form(let error): "it is no file of `fleetctl trust request`, or of `--request`: \(error)"
        case .document(let error): "\(error)"
        case .unknownRole(let role): "it asks for signatures of \(role), and its targets name nobody who signs for it"
        case .hiddenTarget(let path, let role): "the \(role) in it changes \(path), too, which it does not show"
        case .otherReplaced(let path, let role):
            "the \(role) in it replaces \(path), and it does not show what that is now"
        case .tooLong(let path, let byteCount):
            "\(path) has \(byteCount) bytes, and a file that asks for signatures carries \(RoleChange.targetByteCount)"
        case .delegates(let role): "the \(role) in it hands the role on to other keys"
        }
    }
}
