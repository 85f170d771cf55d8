import FleetAPI
import FleetModel
import Testing

@Suite("JSON between the programs")
struct WireJSONTests {
    @Test("Keys are sorted and slashes stand as they are")
    func sortedKeys() throws {
        let bytes = try WireJSON.encode(ReleaseName(set: "a/b", sequence: 3))
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"sequence":3,"set":"a/b"}"#)
    }

    @Test(
        "Bytes stand as base64 and come back as they were",
        arguments: [[], [0], [0, 1, 2, 253, 254, 255]] as [[UInt8]])
    func base64(bytes: [UInt8]) throws {
        let encoded = try WireJSON.encode(ReportSubmission(report: bytes))
        let decoded = try WireJSON.decode(ReportSubmission.self, from: encoded)
        #expect(decoded.report?.bytes == bytes)
    }

    @Test("A number of 64 bits keeps every bit")
    func wideNumbers() throws {
        let name = ReleaseName(set: "debian", sequence: .max)
        let decoded = try WireJSON.decode(ReleaseName.self, from: WireJSON.encode(name))
        #expect(decoded == name)
    }

    @Test("What is wrong is named with its place, and no word of the library reaches the reader")
    func malformed() throws {
        let cases = [
            (#"{"set":"debian"}"#, "sequence: is missing"),
            (#"{"sequence":"3","set":"debian"}"#, "sequence: is not a UInt64"),
            (#"{"sequence":-1,"set":"debian"}"#, "is not valid"),
            (#"{"sequence":3,"set":"#, "is not valid"),
            ("", "is not valid"),
        ]
        for (text, expected) in cases {
            let error = #expect(throws: MalformedJSON.self) {
                try WireJSON.decode(ReleaseName.self, from: Array(text.utf8))
            }
            #expect(error?.description == expected, "for \(text)")
        }
    }

    @Test("Text that is no base64 is refused")
    func notBase64() {
        #expect(throws: MalformedJSON.self) {
            try WireJSON.decode(ReportSubmission.self, from: Array(#"{"report":"%%%"}"#.utf8))
        }
    }

    @Test("Nesting without end is refused and does not exhaust the stack")
    func deepNesting() {
        let text = String(repeating: "[", count: 200_000)
        #expect(throws: MalformedJSON.self) {
            try WireJSON.decode(ReleaseName.self, from: Array(text.utf8))
        }
    }
}
