import Crypto
import Hashing

/// Hashes of a file by the algorithms that are known here; others in a document are not looked at.
package struct FileHashes: Hashable, Sendable {
    /// 32 bytes.
    package let sha256: [UInt8]?
    /// 64 bytes.
    package let sha512: [UInt8]?

    /// Both hashes of `bytes`.
    package init(of bytes: [UInt8]) {
        sha256 = Array(SHA256.hash(data: bytes))
        sha512 = Array(SHA512.hash(data: bytes))
    }

    init(_ reader: MetadataReader) throws(MetadataError) {
        sha256 = try Self.hash("sha256", byteCount: 32, in: reader)
        sha512 = try Self.hash("sha512", byteCount: 64, in: reader)
        guard !reader.object.members.isEmpty else { throw MetadataError(.badHash, at: reader.place) }
    }

    /// Whether there is a known hash, and every known one is that of `bytes`.
    package func match(_ bytes: [UInt8]) -> Bool {
        guard sha256 != nil || sha512 != nil else { return false }
        if let sha256, !SHA256.hash(data: bytes).elementsEqual(sha256) { return false }
        if let sha512, !SHA512.hash(data: bytes).elementsEqual(sha512) { return false }
        return true
    }

    /// The digits of a known hash, which a repository with consistent snapshots has in the names of its files.
    package var fileNamePrefix: [UInt8]? { (sha256 ?? sha512).map(Hexadecimal.letters) }

    var object: JSONObject {
        var object = JSONObject()
        object["sha256"] = sha256.map { .string(Hexadecimal.letters($0)) }
        object["sha512"] = sha512.map { .string(Hexadecimal.letters($0)) }
        return object
    }

    private static func hash(
        _ name: String, byteCount: Int, in reader: MetadataReader
    ) throws(MetadataError) -> [UInt8]? {
        guard reader.object[name] != nil else { return nil }
        guard let bytes = Hexadecimal.bytes(try reader.string(name)), bytes.count == byteCount else {
            throw MetadataError(.badHash, at: reader.place.member(name))
        }
        return bytes
    }
}

/// What a snapshot or a timestamp says of other metadata.
package struct MetadataDescription: Hashable, Sendable {
    /// At least 1.
    package let version: Int64
    /// Bytes of the file, if stated.
    package let length: Int64?
    /// Hashes of the file, if stated.
    package let hashes: FileHashes?

    /// Version `version`, and of `bytes` length and hashes.
    package init(version: Int64, of bytes: [UInt8]?) {
        self.version = version
        length = bytes.map { Int64($0.count) }
        hashes = bytes.map { FileHashes(of: $0) }
    }

    init(_ reader: MetadataReader) throws(MetadataError) {
        version = try reader.integer("version", from: 1, to: JSONLimits.integers.upperBound)
        length =
            reader.object["length"] == nil
            ? nil : try reader.integer("length", from: 1, to: JSONLimits.integers.upperBound)
        hashes = try reader.objectIfPresent("hashes").map { reader throws(MetadataError) in try FileHashes(reader) }
    }

    var object: JSONObject {
        var object = JSONObject()
        object["version"] = .integer(version)
        object["length"] = length.map { .integer($0) }
        object["hashes"] = hashes.map { .object($0.object) }
        return object
    }
}

/// What a targets role says of a target.
package struct TargetDescription: Hashable, Sendable {
    /// Bytes of the target.
    package let length: Int64
    /// Its hashes.
    package let hashes: FileHashes
    /// The member `custom`, whatever it is.
    package let custom: JSONValue?

    /// The description of `bytes`.
    package init(of bytes: [UInt8], custom: JSONValue? = nil) {
        length = Int64(bytes.count)
        hashes = FileHashes(of: bytes)
        self.custom = custom
    }

    init(_ reader: MetadataReader) throws(MetadataError) {
        length = try reader.integer("length", from: 0, to: MetadataLimits.targetByteCount)
        hashes = try FileHashes(try reader.object("hashes"))
        custom = reader.object["custom"]
    }

    var object: JSONObject {
        var object = JSONObject()
        object["length"] = .integer(length)
        object["hashes"] = .object(hashes.object)
        object["custom"] = custom
        return object
    }
}
