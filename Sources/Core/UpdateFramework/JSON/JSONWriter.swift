import Hashing

/// Writes JSON without spaces, names ascending by bytes.
package enum JSONWriter {
    /// How strings are escaped.
    private enum Escapes {
        /// Only `"` and `\`: OLPC canonical JSON, which is signed and hashed and need not be valid JSON.
        case canonical
        /// Also all below a space: valid JSON.
        case valid
    }

    /// OLPC canonical JSON: what TUF signs, and what a key id is the hash of.
    package static func canonical(_ value: JSONValue) -> [UInt8] {
        var text: [UInt8] = []
        write(value, escapes: .canonical, into: &text)
        return text
    }

    /// Valid JSON, the same as canonical JSON but for strings with bytes below a space.
    package static func valid(_ value: JSONValue) -> [UInt8] {
        var text: [UInt8] = []
        write(value, escapes: .valid, into: &text)
        return text
    }

    private static func write(_ value: JSONValue, escapes: Escapes, into text: inout [UInt8]) {
        switch value {
        case .null: text += "null".utf8
        case .bool(let isTrue): text += (isTrue ? "true" : "false").utf8
        case .integer(let number): text += "\(number)".utf8
        case .string(let bytes): write(string: bytes, escapes: escapes, into: &text)
        case .array(let values):
            text.append(UInt8(ascii: "["))
            for (index, item) in values.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                write(item, escapes: escapes, into: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let object):
            text.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                write(string: member.name, escapes: escapes, into: &text)
                text.append(UInt8(ascii: ":"))
                write(member.value, escapes: escapes, into: &text)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private static func write(string bytes: [UInt8], escapes: Escapes, into text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        // Most strings are long and have nothing to escape: they are taken as a whole.
        var rest = bytes[...]
        while let place = rest.firstIndex(where: { mustEscape($0, escapes) }) {
            text += rest[..<place]
            if rest[place] < 0x20 {
                text += Array("\\u00".utf8) + Hexadecimal.letters([rest[place]])
            } else {
                text.append(UInt8(ascii: "\\"))
                text.append(rest[place])
            }
            rest = rest[(place + 1)...]
        }
        text += rest
        text.append(UInt8(ascii: "\""))
    }

    private static func mustEscape(_ byte: UInt8, _ escapes: Escapes) -> Bool {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || (byte < 0x20 && escapes == .valid)
    }
}
