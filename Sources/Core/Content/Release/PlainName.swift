/// The rule for names of fleets, content sets and hosts: `[a-z0-9][a-z0-9-]{0,62}`. Such a name is safe as a file
/// name, as a DNS label and in a URI, and has one spelling only.
package enum PlainName {
    /// The most bytes of a name: that of a DNS label.
    package static let maximumByteCount = 63

    /// The rule in words, for error messages.
    package static let rule = "1 to 63 of a-z, 0-9 and -, not beginning with -"

    /// Whether the text obeys the rule.
    package static func accepts(_ text: String) -> Bool {
        accepts(Array(text.utf8))
    }

    /// Whether the bytes obey the rule.
    package static func accepts(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, bytes.count <= maximumByteCount, first != UInt8(ascii: "-") else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
    }
}

extension ByteReader {
    /// Reads a name of a fleet, host or set, after its length. Throws `CodecError` for any other bytes.
    package mutating func plainName() throws(CodecError) -> String {
        let bytes = try lengthPrefixed(max: PlainName.maximumByteCount)
        guard PlainName.accepts(bytes) else { throw malformed("a name that is not \(PlainName.rule)") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
