/// Bytes from outside in an error: at most 100 of them, printable ASCII as it is, everything else in hexadecimal, so that
/// nothing hostile reaches a terminal or a log.
package struct PrintableText: CustomStringConvertible {
    private static let shownByteCount = 100

    /// What can be shown.
    package let description: String

    /// Makes `bytes` printable.
    package init(_ bytes: [UInt8]) {
        var text = ""
        for byte in bytes.prefix(Self.shownByteCount) {
            if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += byte < 16 ? "\\x0\(String(byte, radix: 16))" : "\\x\(String(byte, radix: 16))"
            }
        }
        description = bytes.count > Self.shownByteCount ? text + "..." : text
    }
}
