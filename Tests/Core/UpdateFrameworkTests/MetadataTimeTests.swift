import TestSupport
import Testing
import UpdateFramework

@Suite struct MetadataTimeTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-28T17:00:00Z", 1_795_885_200), ("2000-02-29T23:59:59Z", 951_868_799),
            ("1969-12-31T23:59:59Z", -1), ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799), ("1900-03-01T00:00:00Z", -2_203_891_200),
        ] as [(String, Int64)])
    func `a time is its seconds`(text: String, seconds: Int64) {
        #expect(MetadataTime(Array(text.utf8))?.secondsSince1970 == seconds)
        #expect(MetadataTime(secondsSince1970: seconds).description == text)
    }

    @Test(arguments: [
        "", "2026-11-28", "2026-11-28T17:00:00", "2026-11-28T17:00:00+00:00", "2026-11-28 17:00:00Z",
        "2026-11-28T17:00:00.0Z", "2026-11-28t17:00:00z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "0000-01-01T00:00:00Z",
        "+026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ", "２026-01-01T00:00:00Z",
    ])
    func `anything else is no time`(text: String) {
        #expect(MetadataTime(Array(text.utf8)) == nil)
    }

    @Test func `times are read back as they were written, in their order, a day apart`() {
        var random = SplitMix64(test: "times", fallback: 20_261_128)
        for _ in 0..<5_000 {
            let seconds = Int64.random(in: -62_135_596_800...253_402_214_399, using: &random)
            let time = MetadataTime(secondsSince1970: seconds)
            #expect(MetadataTime(time.text) == time)
            let next = MetadataTime(secondsSince1970: seconds + 86_400)
            #expect(time < next && time.text.lexicographicallyPrecedes(next.text))
            #expect(time.text.suffix(10) == next.text.suffix(10))
        }
    }

    @Test func `beyond the years that can be written, the last one is meant`() {
        #expect(MetadataTime(secondsSince1970: .max).description == "9999-12-31T23:59:59Z")
        #expect(MetadataTime(secondsSince1970: .min).description == "0001-01-01T00:00:00Z")
    }
}
