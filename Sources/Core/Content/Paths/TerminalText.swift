/// Bytes of unknown origin as text that is safe to print: a name in a tree cannot move the cursor, change colours, turn
/// the direction of writing or begin a new line of a log.
package enum TerminalText {
    /// Valid UTF-8 stays as it is, except: `\` becomes `\\`, newline, tab and return become `\n`, `\t`, `\r`, other
    /// control characters and invalid bytes become `\xNN` for each byte, and invisible or direction-changing
    /// characters become `\u{N}`.
    package static func escape(_ bytes: [UInt8]) -> String {
        escape(bytes[...])
    }

    /// The same for a slice.
    package static func escape(_ bytes: ArraySlice<UInt8>) -> String {
        var text = ""
        text.reserveCapacity(bytes.count)
        var decoder = UTF8()
        var source = bytes.makeIterator()
        var start = bytes.startIndex
        // `UTF8.decode` reports an error without saying how many bytes it took, so scalars are measured one by one.
        scalars: while start < bytes.endIndex {
            switch decoder.decode(&source) {
            case .scalarValue(let scalar):
                append(scalar, to: &text)
                start += UTF8.width(scalar)
            case .emptyInput:
                break scalars
            case .error:
                appendHexadecimal(bytes[start], to: &text)
                start += 1
                decoder = UTF8()
                source = bytes[start...].makeIterator()
            }
        }
        return text
    }

    private static func append(_ scalar: Unicode.Scalar, to text: inout String) {
        switch scalar {
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\t": text += "\\t"
        case "\r": text += "\\r"
        case "\u{0}"..."\u{1F}", "\u{7F}":
            appendHexadecimal(UInt8(truncatingIfNeeded: scalar.value), to: &text)
        case "\u{80}"..."\u{9F}", "\u{AD}", "\u{61C}", "\u{180E}", "\u{200B}"..."\u{200F}", "\u{2028}"..."\u{202E}",
            "\u{2060}"..."\u{206F}", "\u{FEFF}", "\u{FFF9}"..."\u{FFFB}", "\u{E0000}"..."\u{E007F}":
            text += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: text.unicodeScalars.append(scalar)
        }
    }

    private static func appendHexadecimal(_ byte: UInt8, to text: inout String) {
        text += byte < 16 ? "\\x0" : "\\x"
        text += String(byte, radix: 16)
    }
}
