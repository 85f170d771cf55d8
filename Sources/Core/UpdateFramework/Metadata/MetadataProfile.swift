/// How strictly metadata is taken beyond the specification.
package enum MetadataProfile: Hashable, Sendable {
    /// What the specification allows: for repositories of others.
    case specification
    /// What Mirrorfleet writes. Also: every document names its fleet and role; role names are `[a-z0-9-]`, target paths
    /// have plain components; keys stand under their own ids, none shares a half with another of the same document;
    /// thresholds can be met.
    case fleet([UInt8])

    /// The member of `signed` in which a document names its fleet and role.
    package static let member = "mirrorfleet"

    /// `set-` and the longest name of a set.
    private static let maximumRoleNameByteCount = 67

    var isOwn: Bool { self != .specification }

    func roleName(_ bytes: [UInt8], place: MetadataPlace) throws(MetadataError) -> RoleName {
        guard let name = RoleName(bytes) else {
            throw MetadataError(.badName(bytes, allowed: "a role name"), at: place)
        }
        guard isOwn else { return name }
        let isPlain = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard isPlain, bytes.count <= Self.maximumRoleNameByteCount else {
            throw MetadataError(.badName(bytes, allowed: "1 to 67 of a-z, 0-9 and -"), at: place)
        }
        return name
    }

    func checkTargetPath(_ bytes: [UInt8], place: MetadataPlace) throws(MetadataError) {
        guard TargetPath.accepts(bytes) else {
            throw MetadataError(.badName(bytes, allowed: "a target path"), at: place)
        }
        guard isOwn else { return }
        let components = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isPlain = components.allSatisfy { component in
            !component.isEmpty && !component.elementsEqual(".".utf8) && !component.elementsEqual("..".utf8)
                && component.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        }
        guard isPlain else {
            throw MetadataError(.badName(bytes, allowed: "a path of plain names between single slashes"), at: place)
        }
    }
}

/// The path of a target in its repository: 1 to 1,024 bytes, compared bytewise. It names what is looked for; nothing is
/// ever written under it unseen.
package struct TargetPath: Hashable, Sendable, CustomStringConvertible {
    /// The bytes.
    package let bytes: [UInt8]

    /// Nil if it is empty or too long.
    package init?(_ bytes: [UInt8]) {
        guard Self.accepts(bytes) else { return nil }
        self.bytes = bytes
    }

    /// The path, printable.
    package var description: String { "\(PrintableText(bytes))" }

    static func accepts(_ bytes: [UInt8]) -> Bool {
        !bytes.isEmpty && bytes.count <= MetadataLimits.targetPathByteCount
    }
}
