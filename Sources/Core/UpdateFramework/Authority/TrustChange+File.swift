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
            object["trusted"] = base.value
        }
        object["documents"] = .object(JSONObject(documents.map { ($0.role, $0.document) }))
        return JSONWriter.valid(.object(object)) + [UInt8(ascii: "\n")]
    }

    /// Reads a file. The documents that the change follows are verified as if the root were trusted, which its reader has
    /// to know by other ways. Throws ``TrustFileError``.
    package init(file bytes: [UInt8]) throws(TrustFileError) {
        let reader = try ChangeFileReader(bytes, mark: Self.mark, version: Self.version, limit: Self.fileByteCount)
        let fleet = try reader.string("fleet")
        let base = try reader.trust("trusted", fleet: fleet)
        let changed = try reader.documents("documents", of: [.root, .targets])
        do throws(UpdateError) {
            guard !changed.isEmpty else { throw .missing(.root, version: nil) }
            try self.init(fleet: fleet, base: base, documents: changed)
        } catch {
            throw .document(error)
        }
    }
}
