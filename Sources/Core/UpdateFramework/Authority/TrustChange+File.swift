/// A change as one file, which travels to whoever still has to sign and back (docs/formats/trust-folder.md): the
/// documents with their signatures so far, and the ones that they follow, so that a machine without anything else can
/// tell what changes.
extension TrustChange {
    private static let mark = "mirrorfleet-trust-change"
    private static let version: Int64 = 1
    /// Bytes of a file: root and targets, before and after.
    package static let fileByteCount = 2 * (MetadataLimits.rootByteCount + MetadataLimits.targetsByteCount)

    /// The text of the file.
    package var file: [UInt8] {
        var object = JSONObject()
        object[Self.mark] = .integer(Self.version)
        object["fleet"] = .string(fleet)
        if let base {
            object["trusted"] = Self.value([(.root, base.rootDocument), (.targets, base.targetsDocument)])
        }
        object["documents"] = Self.value(documents.map { ($0.role, $0.document) })
        return JSONWriter.valid(.object(object)) + [UInt8(ascii: "\n")]
    }

    /// Reads a file. The documents that the change follows are verified as if the root were trusted, which its reader has
    /// to know by other ways. Throws ``TrustFileError``.
    package init(file bytes: [UInt8]) throws(TrustFileError) {
        let reader = try Self.reading { () throws(MetadataError) in
            let value: JSONValue
            do throws(JSONError) {
                value = try JSONReader.read(
                    bytes,
                    limits: JSONLimits(byteCount: Self.fileByteCount, valueCount: 4 * MetadataLimits.valueCount))
            } catch {
                throw MetadataError(.json(error), at: MetadataPlace("file"))
            }
            let reader = try MetadataReader(value, place: MetadataPlace("file"))
            _ = try reader.integer(Self.mark, from: Self.version, to: Self.version)
            return reader
        }
        let fleet = try Self.reading { () throws(MetadataError) in try reader.string("fleet") }
        let trusted = try Self.documents("trusted", in: reader)
        let changed = try Self.documents("documents", in: reader)
        do throws(UpdateError) {
            var base: FleetTrust?
            if !trusted.isEmpty {
                guard trusted.map(\.role) == [.root, .targets] else {
                    throw .missing(trusted.first?.role == .root ? .targets : .root, version: nil)
                }
                base = try FleetTrust(fleet: fleet, roots: [trusted[0].bytes], targets: trusted[1].bytes)
            }
            guard !changed.isEmpty else { throw .missing(.root, version: nil) }
            try self.init(fleet: fleet, base: base, documents: changed)
        } catch {
            throw .document(error)
        }
    }

    private static func value(_ documents: [(role: RoleName, document: SignedMetadata)]) -> JSONValue {
        var object = JSONObject()
        for (role, document) in documents { object[role.bytes] = document.value }
        return .object(object)
    }

    /// Root and targets, root first, of the member `name`, as documents of their own.
    private static func documents(
        _ name: String, in reader: MetadataReader
    ) throws(TrustFileError) -> [(role: RoleName, bytes: [UInt8])] {
        try reading { () throws(MetadataError) in
            guard let members = try reader.objectIfPresent(name) else { return [] }
            if let other = members.object.members.first(where: { member in
                member.name != RoleName.root.bytes && member.name != RoleName.targets.bytes
            }) {
                throw MetadataError(.badName(other.name, allowed: "root or targets"), at: members.place)
            }
            return [RoleName.root, .targets].compactMap { role in
                members.object[role.bytes].map { (role, JSONWriter.valid($0)) }
            }
        }
    }

    private static func reading<Value>(_ body: () throws(MetadataError) -> Value) throws(TrustFileError) -> Value {
        do throws(MetadataError) {
            return try body()
        } catch {
            throw .form(error)
        }
    }
}

/// Why a file is no change of trust.
package enum TrustFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is not of the form.
    case form(MetadataError)
    /// A document in it is not what it should be.
    case document(UpdateError)

    package var description: String {
        switch self {
        case .form(let error): "it is no file of `fleetctl trust request`: \(error)"
        case .document(let error): "\(error)"
        }
    }
}
