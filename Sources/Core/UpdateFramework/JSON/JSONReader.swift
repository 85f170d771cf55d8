/// Reads JSON (RFC 8259) strictly: valid UTF-8, whole numbers, no name twice, nothing after the value, within limits.
package struct JSONReader {
    private let bytes: [UInt8]
    private let limits: JSONLimits
    private var index = 0
    private var valueCount = 0

    private init(_ bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The one value of the text `bytes`. Throws ``JSONError``.
    package static func read(_ bytes: [UInt8], limits: JSONLimits) throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.byteCount else {
            throw JSONError(rule: .tooLong(limit: limits.byteCount), offset: limits.byteCount)
        }
        var reader = Self(bytes, limits: limits)
        reader.skipSpace()
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.index == bytes.count else { throw reader.failure(.trailingBytes) }
        return value
    }

    // MARK: - Values

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        valueCount += 1
        guard valueCount <= limits.valueCount else { throw failure(.tooManyValues(limit: limits.valueCount)) }
        switch try peek() {
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .integer(try integer())
        case let byte: throw failure(.unexpectedByte(byte))
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        guard depth <= JSONLimits.depth else { throw failure(.tooDeep) }
        index += 1
        var found: [(member: JSONObject.Member, offset: Int)] = []
        skipSpace()
        if try peek() == UInt8(ascii: "}") {
            index += 1
            return JSONObject()
        }
        while true {
            let offset = index
            guard try peek() == UInt8(ascii: "\"") else { throw failure(.unexpectedByte(bytes[index])) }
            let name = try string()
            skipSpace()
            try expect(UInt8(ascii: ":"))
            skipSpace()
            found.append((JSONObject.Member(name: name, value: try value(depth: depth)), offset))
            skipSpace()
            if try nextItem(until: UInt8(ascii: "}")) { break }
        }
        found.sort { $0.member.name.lexicographicallyPrecedes($1.member.name) }
        for (one, next) in zip(found, found.dropFirst()) where one.member.name == next.member.name {
            throw JSONError(rule: .duplicateName(one.member.name), offset: max(one.offset, next.offset))
        }
        return JSONObject(sorted: found.map(\.member))
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        guard depth <= JSONLimits.depth else { throw failure(.tooDeep) }
        index += 1
        var values: [JSONValue] = []
        skipSpace()
        if try peek() == UInt8(ascii: "]") {
            index += 1
            return values
        }
        while true {
            values.append(try value(depth: depth))
            skipSpace()
            if try nextItem(until: UInt8(ascii: "]")) { return values }
        }
    }

    /// Goes over a comma, or the closing byte: then true.
    private mutating func nextItem(until closing: UInt8) throws(JSONError) -> Bool {
        let byte = try peek()
        guard byte == closing || byte == UInt8(ascii: ",") else { throw failure(.unexpectedByte(byte)) }
        index += 1
        skipSpace()
        return byte == closing
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for offset in 0..<text.utf8CodeUnitCount {
            try expect(text.utf8Start[offset])
        }
        return value
    }

    private mutating func integer() throws(JSONError) -> Int64 {
        let start = index
        let isNegative = try peek() == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let firstDigit = index
        var magnitude: Int64 = 0
        while index < bytes.count, case UInt8(ascii: "0")...UInt8(ascii: "9") = bytes[index] {
            // The limit is far below what would overflow.
            magnitude = magnitude * 10 + Int64(bytes[index] - UInt8(ascii: "0"))
            index += 1
            guard magnitude <= JSONLimits.integers.upperBound else {
                throw JSONError(rule: .badInteger, offset: start)
            }
        }
        guard index > firstDigit else { throw try unexpected() }
        if index < bytes.count, [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[index]) {
            throw failure(.notWhole)
        }
        let hasLeadingZero = bytes[firstDigit] == UInt8(ascii: "0") && index > firstDigit + 1
        guard !hasLeadingZero, !(isNegative && magnitude == 0) else {
            throw JSONError(rule: .badInteger, offset: start)
        }
        return isNegative ? -magnitude : magnitude
    }

    // MARK: - Strings

    private mutating func string() throws(JSONError) -> [UInt8] {
        let start = index
        index += 1
        var text: [UInt8] = []
        while true {
            let runStart = index
            while index < bytes.count, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\"),
                bytes[index] >= 0x20
            {
                index += 1
            }
            text += bytes[runStart..<index]
            switch try peek() {
            case UInt8(ascii: "\""):
                index += 1
                guard String(validating: text, as: UTF8.self) != nil else {
                    throw JSONError(rule: .badUTF8, offset: start)
                }
                return text
            case UInt8(ascii: "\\"): try escape(into: &text)
            case let byte: throw failure(.unexpectedByte(byte))
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        index += 1
        let byte = try peek()
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            index += 1
            try unicodeEscape(into: &text)
            return
        default: throw failure(.badEscape)
        }
        index += 1
    }

    private mutating func unicodeEscape(into text: inout [UInt8]) throws(JSONError) {
        var scalar = try fourDigits()
        if scalar >= 0xD800, scalar < 0xDC00 {
            guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
            else { throw failure(.badEscape) }
            index += 2
            let low = try fourDigits()
            guard low >= 0xDC00, low < 0xE000 else { throw failure(.badEscape) }
            scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
        }
        // Half of a pair is no scalar, so nothing that is not UTF-8 can come of an escape.
        guard let found = Unicode.Scalar(scalar) else { throw failure(.badEscape) }
        text += Array(String(Character(found)).utf8)
    }

    private mutating func fourDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = try peek()
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw failure(.badEscape)
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    // MARK: - Bytes

    private func peek() throws(JSONError) -> UInt8 {
        guard index < bytes.count else { throw failure(.unexpectedEnd) }
        return bytes[index]
    }

    private mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard try peek() == byte else { throw failure(.unexpectedByte(bytes[index])) }
        index += 1
    }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    private func unexpected() throws(JSONError) -> JSONError { failure(.unexpectedByte(try peek())) }

    private func failure(_ rule: JSONError.Rule) -> JSONError { JSONError(rule: rule, offset: index) }
}
