/// Lower-case hexadecimal text, the only text form of digest bytes.
package enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    /// The digits of `bytes` as letters, two a byte.
    package static func letters(_ bytes: [UInt8]) -> [UInt8] {
        var letters: [UInt8] = []
        letters.reserveCapacity(2 * bytes.count)
        for byte in bytes {
            letters.append(digits[Int(byte >> 4)])
            letters.append(digits[Int(byte & 15)])
        }
        return letters
    }

    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
            for index in bytes.indices {
                text[2 * index] = digits[Int(bytes[index] >> 4)]
                text[2 * index + 1] = digits[Int(bytes[index] & 15)]
            }
            return 2 * bytes.count
        }
    }

    /// The bytes that `text` names; nil if there is an odd number of digits or anything but 0-9 and a-f.
    static func bytes(_ text: String) -> [UInt8]? {
        bytes(Array(text.utf8))
    }

    /// The bytes that `digits` name; nil if their number is odd or there is anything but 0-9 and a-f.
    package static func bytes(_ digits: [UInt8]) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
