import Hashing

/// The name of a role: bytes, since it comes from documents of others.
package struct RoleName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Says who may sign for the four top-level roles.
    package static let root = RoleName("root")
    /// Says which snapshot is the newest.
    package static let timestamp = RoleName("timestamp")
    /// Says which versions of all targets metadata belong together.
    package static let snapshot = RoleName("snapshot")
    /// Names targets, and delegates to other roles that do.
    package static let targets = RoleName("targets")
    /// The top-level roles that a root must name.
    package static let topLevel = [root, snapshot, targets, timestamp]

    /// The name.
    package let bytes: [UInt8]

    private init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The name `bytes`; nil if it is empty or too long.
    package init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= MetadataLimits.roleNameByteCount else { return nil }
        self.bytes = bytes
    }

    /// The file of the metadata without a version, `NAME.json`. Every byte but letters, digits and `-._~` is
    /// percent-encoded, so it is one name and no path, whatever the role is called.
    package var fileName: String {
        var name = ""
        for byte in bytes {
            if Self.isUnreserved(byte) {
                name.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                name += "%" + String(decoding: Hexadecimal.letters([byte]), as: UTF8.self).uppercased()
            }
        }
        return name + ".json"
    }

    /// How a snapshot lists the metadata: not encoded.
    var listedName: [UInt8] { bytes + Array(".json".utf8) }

    /// The name, printable.
    package var description: String { "\(PrintableText(bytes))" }

    package static func < (left: RoleName, right: RoleName) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: Array("-._~".utf8).contains(byte)
        }
    }
}
