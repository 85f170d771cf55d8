/// What the reader takes at most; every one bounds memory or time before anything is believed.
package struct JSONLimits: Hashable, Sendable {
    /// The numbers that are read: what every JSON reader holds exactly (RFC 8259, section 6), so that no two see two
    /// numbers in one text.
    package static let integers: ClosedRange<Int64> = -9_007_199_254_740_991...9_007_199_254_740_991
    /// Lists and objects in each other. TUF metadata has 7; the reader recurses, so this bounds the stack.
    package static let depth = 32

    /// The most bytes of a text.
    package let byteCount: Int
    /// The most values of all kinds together. A value may take one byte of text and some 40 of memory.
    package let valueCount: Int

    /// Limits of `byteCount` bytes and `valueCount` values.
    package init(byteCount: Int, valueCount: Int) {
        self.byteCount = byteCount
        self.valueCount = valueCount
    }
}

/// Why a text is not the JSON that is read here, and at which byte.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which rule is broken.
    package enum Rule: Hashable, Sendable {
        /// More bytes than the limit.
        case tooLong(limit: Int)
        /// More lists and objects in each other than ``JSONLimits/depth``.
        case tooDeep
        /// More values than the limit.
        case tooManyValues(limit: Int)
        /// The text ends inside of a value.
        case unexpectedEnd
        /// Something else stands there than JSON allows.
        case unexpectedByte(UInt8)
        /// A value is complete and something follows.
        case trailingBytes
        /// One name twice in one object.
        case duplicateName([UInt8])
        /// A number with a fraction or an exponent.
        case notWhole
        /// A whole number beyond ``JSONLimits/integers``, with leading zeros, or minus zero.
        case badInteger
        /// Bytes that are no UTF-8.
        case badUTF8
        /// An escape that JSON does not know, or half of a surrogate pair.
        case badEscape
    }

    /// The rule.
    package let rule: Rule
    /// The byte where it was noticed, from 0.
    package let offset: Int

    /// The rule `rule`, broken at byte `offset`.
    package init(rule: Rule, offset: Int) {
        self.rule = rule
        self.offset = offset
    }

    package var description: String { "\(text) at byte \(offset)" }

    private var text: String {
        switch rule {
        case .tooLong(let limit): "more than \(limit) bytes of JSON"
        case .tooDeep: "JSON deeper than \(JSONLimits.depth)"
        case .tooManyValues(let limit): "more than \(limit) values in the JSON"
        case .unexpectedEnd: "the JSON ends too early"
        case .unexpectedByte(let byte): "byte \(byte) is not what JSON allows"
        case .trailingBytes: "something follows the JSON"
        case .duplicateName(let name): "the name \(PrintableText(name)) is twice in one object"
        case .notWhole: "a number that is not whole"
        case .badInteger: "a number that is not in its one exact form"
        case .badUTF8: "bytes that are not UTF-8"
        case .badEscape: "a bad escape in a string"
        }
    }
}
