import Glibc

/// Arguments of the command line, which are bytes, as the strings that the parser wants.
///
/// Swift's own strings of arguments replace every byte that is not UTF-8, so that two paths become one, and a proof
/// would speak of a path that nobody asked for. Here each such byte becomes a character of its own that no argument
/// holds otherwise: the last 128 of the private plane 16, whose own bytes are treated as if they were not UTF-8.
package enum ArgumentText {
    private static let first: UInt32 = 0x10_FF80

    /// The arguments of this process without the program's name.
    package static func ofProcess() -> [String] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { position in
            guard let argument = CommandLine.unsafeArgv[position] else { return nil }
            return text(UnsafeRawBufferPointer(start: argument, count: strlen(argument)).map { $0 })
        }
    }

    /// The text that stands for `bytes`; ``bytes(_:)`` leads back.
    package static func text(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self), isUTF8(text) { return text }
        var text = ""
        var rest = bytes[...]
        while let byte = rest.first {
            // The longest scalar has four bytes; what decodes to one scalar alone is one.
            let length = (1...min(4, rest.count)).first { length in
                guard let part = String(validating: rest.prefix(length), as: UTF8.self) else { return false }
                return isUTF8(part)
            }
            if let length {
                text += String(decoding: rest.prefix(length), as: UTF8.self)
                rest = rest.dropFirst(length)
            } else {
                // A byte that no scalar begins with, or that its scalar is missing bytes of, is at least 0x80.
                Unicode.Scalar(first + UInt32(byte) - 0x80).map { text.unicodeScalars.append($0) }
                rest = rest.dropFirst()
            }
        }
        return text
    }

    /// The bytes that `text` stands for.
    package static func bytes(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if scalar.value >= first {
                bytes.append(UInt8(scalar.value - first + 0x80))
            } else {
                bytes += Array(String(scalar).utf8)
            }
        }
        return bytes
    }

    /// Whether the argument was UTF-8, so that `text` is its bytes.
    package static func isUTF8(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value < first }
    }
}
