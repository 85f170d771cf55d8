import TestSupport
import Testing
import UpdateFramework

@Suite struct JSONReaderTests {
    private static let limits = JSONLimits(byteCount: 10_000, valueCount: 1_000)

    private func read(_ text: String, limits: JSONLimits = limits) throws(JSONError) -> JSONValue {
        try JSONReader.read(Array(text.utf8), limits: limits)
    }

    @Test func `values of every kind are read, and unknown members kept`() throws {
        let value = try read(#" {"b":[null,true,false,-12,"x"],"a":{"é":9007199254740991}, "":[] } "#)
        var inner = JSONObject()
        inner["é"] = .integer(9_007_199_254_740_991)
        var object = JSONObject()
        object["b"] = .array([.null, .bool(true), .bool(false), .integer(-12), .text("x")])
        object["a"] = .object(inner)
        object[""] = .array([])
        #expect(value == .object(object))
        #expect(object.members.map(\.name) == [[], Array("a".utf8), Array("b".utf8)])
    }

    @Test func `escapes stand for their bytes`() throws {
        let value = try read(#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00\u0000""#)
        #expect(value == .string(Array("\"\\/\u{8}\u{c}\n\r\tA\u{e9}\u{1F600}\0".utf8)))
    }

    @Test func `names that Swift holds to be equal are two names`() throws {
        let value = try read("{\"\u{e9}\":1,\"e\u{301}\":2}")
        guard case .object(let object) = value else { throw JSONError(rule: .unexpectedEnd, offset: 0) }
        #expect(object.members.count == 2)
        #expect(object["\u{e9}"] == .integer(1))
        #expect(object["e\u{301}"] == .integer(2))
    }

    @Test(
        arguments: [
            ("", .unexpectedEnd, 0), ("[1", .unexpectedEnd, 2), (#""a"#, .unexpectedEnd, 2),
            ("{\"a\":1,}", .unexpectedByte(0x7D), 7), ("[1,]", .unexpectedByte(0x5D), 3),
            ("[1 2]", .unexpectedByte(0x32), 3),
            ("{a:1}", .unexpectedByte(0x61), 1), ("{\"a\" 1}", .unexpectedByte(0x31), 5), ("nul", .unexpectedEnd, 3),
            ("nulL", .unexpectedByte(0x4C), 3), ("\u{feff}1", .unexpectedByte(0xEF), 0),
            ("+1", .unexpectedByte(0x2B), 0),
            ("-", .unexpectedEnd, 1), ("-x", .unexpectedByte(0x78), 1), ("\"\u{1}\"", .unexpectedByte(1), 1),
            ("\u{b}1", .unexpectedByte(0xB), 0),
            ("1 1", .trailingBytes, 2), ("{}\0", .trailingBytes, 2),
            ("1.0", .notWhole, 1), ("1e3", .notWhole, 1), ("-2E1", .notWhole, 2), ("01", .badInteger, 0),
            ("-01", .badInteger, 0), ("-0", .badInteger, 0), ("[9007199254740992]", .badInteger, 1),
            ("-9007199254740992", .badInteger, 0), ("99999999999999999999999999999999", .badInteger, 0),
            (#"{"a":1,"b":2,"\u0061":3}"#, .duplicateName([0x61]), 13),
            (#""\x""#, .badEscape, 2), (#""\u12G4""#, .badEscape, 5), (#""\ud800""#, .badEscape, 7),
            (#""\udc00""#, .badEscape, 7), (#""\ud800\u0041""#, .badEscape, 13),
        ] as [(String, JSONError.Rule, Int)])
    func `what is no strict JSON is refused where it stands`(text: String, rule: JSONError.Rule, offset: Int) {
        #expect(throws: JSONError(rule: rule, offset: offset)) { try read(text) }
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
            [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
        ] as [[UInt8]])
    func `bytes that are no UTF-8 are refused`(bytes: [UInt8]) {
        #expect(throws: JSONError(rule: .badUTF8, offset: 0)) { try JSONReader.read(bytes, limits: Self.limits) }
    }

    @Test func `each limit holds, and one less does not reach it`() throws {
        #expect(try read("[1]", limits: JSONLimits(byteCount: 3, valueCount: 2)) == .array([.integer(1)]))
        #expect(throws: JSONError(rule: .tooLong(limit: 2), offset: 2)) {
            try read("[1]", limits: JSONLimits(byteCount: 2, valueCount: 2))
        }
        #expect(throws: JSONError(rule: .tooManyValues(limit: 1), offset: 1)) {
            try read("[1]", limits: JSONLimits(byteCount: 3, valueCount: 1))
        }
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try read(nested(JSONLimits.depth))
        #expect(throws: JSONError(rule: .tooDeep, offset: JSONLimits.depth)) { try read(nested(JSONLimits.depth + 1)) }
        let objects = String(repeating: "{\"a\":", count: JSONLimits.depth + 1)
        #expect(throws: JSONError(rule: .tooDeep, offset: 5 * JSONLimits.depth)) { try read(objects) }
    }

    @Test func `a text of brackets only, of any length, ends at the depth`() {
        let bytes = [UInt8](repeating: 0x5B, count: 1 << 20)
        #expect(throws: JSONError(rule: .tooDeep, offset: JSONLimits.depth)) {
            try JSONReader.read(bytes, limits: JSONLimits(byteCount: 1 << 20, valueCount: 1 << 20))
        }
    }

    @Test func `canonical JSON is what securesystemslib makes of the same text`() throws {
        let vectors = try FormatFixture("canonical-json.txt")
        for number in 0..<40 {
            let value = try JSONReader.read(try vectors.bytes("text-\(number)"), limits: Self.limits)
            #expect(JSONWriter.canonical(value) == (try vectors.bytes("canonical-\(number)")), "vector \(number)")
        }
    }

    @Test func `what is written is read back, and canonical JSON without control characters is the same text`() throws {
        var random = SplitMix64(test: "JSON round trip", fallback: 20_261_128)
        for _ in 0..<2_000 {
            let value = randomValue(depth: 0, &random)
            let text = JSONWriter.valid(value)
            #expect(try JSONReader.read(text, limits: Self.limits) == value)
            if !JSONWriter.canonical(value).contains(where: { $0 < 0x20 }) {
                #expect(JSONWriter.canonical(value) == text)
            }
        }
    }

    private func randomValue(depth: Int, _ random: inout SplitMix64) -> JSONValue {
        switch Int.random(in: 0..<(depth < 4 ? 6 : 4), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int64.random(in: JSONLimits.integers, using: &random))
        case 3: return .string(randomText(&random))
        case 4:
            return .array(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in randomValue(depth: depth + 1, &random) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                object[randomText(&random)] = randomValue(depth: depth + 1, &random)
            }
            return .object(object)
        }
    }

    private func randomText(_ random: inout SplitMix64) -> [UInt8] {
        let pool = ["a", "\"", "\\", "\n", "\0", "\u{1F}", "\u{7F}", "\u{e9}", "e\u{301}", "\u{1F600}", "/"]
        return (0..<Int.random(in: 0...4, using: &random)).flatMap { _ in
            Array((pool.randomElement(using: &random) ?? "").utf8)
        }
    }
}
