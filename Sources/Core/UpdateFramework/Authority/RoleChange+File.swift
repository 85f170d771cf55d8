import Hashing

/// The change of a role as one file (docs/formats/trust-folder.md), which travels as that of a ``TrustChange`` does.
extension RoleChange {
    private static let mark = "mirrorfleet-role-change"
    private static let version: Int64 = 1
    /// Bytes of a target in a file: a release document has at most 64 KiB, and a list of yanked paths that fills this
    /// has some thousand of them.
    package static let targetByteCount = 1 << 20
    /// Bytes of a file: root, targets, the role before and after, and the target and what it replaces in hexadecimal.
    package static let fileByteCount =
        MetadataLimits.rootByteCount + 3 * MetadataLimits.targetsByteCount + 5 * targetByteCount

    /// Whether `bytes` are a file of this kind, right or wrong.
    package static func isFile(_ bytes: [UInt8]) -> Bool {
        ChangeFileReader.isMarked(bytes, mark, limit: fileByteCount)
    }

    /// The text of the file.
    package var file: [UInt8] {
        var object = JSONObject()
        object[Self.mark] = .integer(Self.version)
        object["fleet"] = .string(base.fleet)
        object["role"] = .string(role.bytes)
        object["trusted"] = base.value
        object["before"] = before.map(\.value)
        object["document"] = document.document.value
        var named = JSONObject()
        named["path"] = .string(target.path.bytes)
        named["bytes"] = .string(Hexadecimal.letters(target.bytes))
        named["replaces"] = replaced.map { .string(Hexadecimal.letters($0)) }
        object["target"] = .object(named)
        if notes != SourceNotes() { object["notes"] = notes.value }
        return JSONWriter.valid(.object(object)) + [UInt8(ascii: "\n")]
    }

    /// Reads a file. All in it is verified as if its root were trusted, which its reader has to know by other ways.
    /// Throws ``TrustFileError``.
    package init(file bytes: [UInt8]) throws(TrustFileError) {
        let file = try ChangeFileReader(bytes, mark: Self.mark, version: Self.version, limit: Self.fileByteCount)
        let fleet = try file.string("fleet")
        guard let base = try file.trust("trusted", fleet: fleet) else {
            throw .document(.missing(.root, version: nil))
        }
        let role = try file.read { reader throws(MetadataError) in
            try base.profile.roleName(try reader.string("role"), place: reader.place.member("role"))
        }
        let named = try file.read { reader throws(MetadataError) in try Self.target(reader.object("target")) }
        let notes = try file.read { reader throws(MetadataError) in
            try reader.objectIfPresent("notes").map { reader throws(MetadataError) in try SourceNotes(reader) }
        }
        let documents = try file.read { reader throws(MetadataError) in
            (
                before: reader.object["before"].map { JSONWriter.valid($0) },
                next: JSONWriter.valid(try reader.value("document"))
            )
        }
        try self.init(
            of: role, base: base, before: documents.before, to: documents.next, target: named.target,
            replacing: named.replaced, notes: notes ?? SourceNotes())
    }

    private static func target(
        _ reader: MetadataReader
    ) throws(MetadataError) -> (target: Target, replaced: [UInt8]?) {
        let path = try reader.string("path")
        guard let place = TargetPath(path) else {
            throw MetadataError(.badName(path, allowed: "the path of a target"), at: reader.place.member("path"))
        }
        return (
            Target(path: place, bytes: try bytes("bytes", reader)),
            reader.object["replaces"] == nil ? nil : try bytes("replaces", reader)
        )
    }

    private static func bytes(_ name: String, _ reader: MetadataReader) throws(MetadataError) -> [UInt8] {
        let text = try reader.string(name)
        guard text.count <= 2 * targetByteCount, let bytes = Hexadecimal.bytes(text) else {
            throw MetadataError(
                .wrongKind(found: "a string", expected: "at most \(targetByteCount) bytes in hexadecimal"),
                at: reader.place.member(name))
        }
        return bytes
    }
}

extension SourceNotes {
    /// More kinds of digests than this program knows.
    private static let digestLimit = 8

    fileprivate var value: JSONValue {
        var object = JSONObject()
        object["source"] = source.map { .text($0) }
        if !digests.isEmpty { object["digests"] = .array(digests.map { .text($0) }) }
        if let removed {
            object["removed_files"] = .integer(Int64(clamping: min(removed.files, Self.largest)))
            object["removed_bytes"] = .integer(Int64(clamping: min(removed.bytes, Self.largest)))
        }
        return .object(object)
    }

    private static let largest = UInt64(JSONLimits.integers.upperBound)

    fileprivate init(_ reader: MetadataReader) throws(MetadataError) {
        func count(_ name: String) throws(MetadataError) -> UInt64? {
            guard reader.object[name] != nil else { return nil }
            return UInt64(try reader.integer(name, from: 0, to: JSONLimits.integers.upperBound))
        }
        self.init(
            source: reader.object["source"] == nil ? nil : String(decoding: try reader.string("source"), as: UTF8.self),
            digests: reader.object["digests"] == nil
                ? []
                : try reader.strings("digests", limit: Self.digestLimit).map { String(decoding: $0, as: UTF8.self) })
        if let files = try count("removed_files"), let bytes = try count("removed_bytes") { removed = (files, bytes) }
    }
}
