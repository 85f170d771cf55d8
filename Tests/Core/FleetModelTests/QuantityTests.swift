import FleetModel
import Testing

@Suite("Sizes, durations, names and addresses are read strictly")
struct QuantityTests {
    @Test(
        "A size with a unit is read exactly",
        arguments: [
            ("0B", 0), ("1kB", 1_000), ("50MB", 50_000_000), ("64 KiB", 65_536), ("1.5GB", 1_500_000_000),
            ("2TiB", 2_199_023_255_552), ("1.001kB", 1_001), ("0.001KiB", 1),
            ("18446744TB", 18_446_744_000_000_000_000),
        ] as [(String, UInt64)])
    func size(text: String, bytes: UInt64) throws {
        #expect(try Quantity.bytes(text) == bytes)
    }

    @Test(
        "What is no size is refused with the reason",
        arguments: [
            ("50", .noUnit), ("50M", .ambiguousUnit(number: "50", letter: "M")), ("50Mbit", .isRate),
            ("50mb", .malformed), ("MB", .malformed), ("", .malformed), ("-5MB", .malformed), ("5  MB", .malformed),
            ("1.5B", .malformed), ("1.2345MB", .malformed), ("1.MB", .malformed), (".5MB", .malformed),
            ("1.2.3MB", .malformed), ("18446744073709551616B", .tooLarge), ("20000000TB", .tooLarge),
            ("٣MB", .malformed),
        ] as [(String, Quantity.Failure)])
    func noSize(text: String, failure: Quantity.Failure) {
        #expect(throws: failure) { try Quantity.bytes(text) }
    }

    @Test(
        "A rate in bytes or bits is read as bytes a second",
        arguments: [
            ("50MB", 50_000_000), ("50MB/s", 50_000_000), ("100mbit", 12_500_000), ("100Mbit", 12_500_000),
            ("1.5gbit", 187_500_000), ("64kbit", 8_000), ("0", 0), ("0B", 0), ("15bit", 1),
        ] as [(String, UInt64)])
    func rate(text: String, bytes: UInt64) throws {
        #expect(try Quantity.bytesPerSecond(text) == bytes)
    }

    @Test(
        "What is no rate is refused with the reason",
        arguments: [
            ("50", .noUnit), ("50M", .ambiguousUnit(number: "50", letter: "M")), ("mbit", .malformed),
            ("5Tbit", .malformed), ("", .malformed), ("/s", .malformed), ("20000000TB", .tooLarge),
            ("99999999999999gbit", .tooLarge),
        ] as [(String, Quantity.Failure)])
    func noRate(text: String, failure: Quantity.Failure) {
        #expect(throws: failure) { try Quantity.bytesPerSecond(text) }
    }

    @Test("Limits only narrow each other")
    func narrowing() {
        let limits = TransferLimits(up: 5, down: nil).narrowed(by: TransferLimits(up: 7, down: 0))
        #expect(limits == TransferLimits(up: 5, down: 0))
        #expect(TransferLimits.none.narrowed(by: .none) == .none)
    }

    @Test(
        "A duration is read in seconds",
        arguments: [("30s", 30), ("5m", 300), ("1h30m", 5_400), ("2d", 172_800), ("1w2d3h4m5s", 788_645), ("0s", 0)]
            as [(String, Int64)])
    func duration(text: String, seconds: Int64) throws {
        #expect(try Quantity.seconds(text) == seconds)
    }

    @Test(
        "What is no duration is refused with the reason",
        arguments: [
            ("30", .noUnit), ("", .malformed), ("s", .malformed), ("5m30", .malformed), ("30m1h", .malformed),
            ("1h1h", .malformed), ("1.5h", .malformed), ("5M", .malformed), ("-5s", .malformed), ("5 s", .malformed),
            ("99999999999999999999s", .tooLarge), ("9223372036854775807w", .tooLarge),
        ] as [(String, Quantity.Failure)])
    func noDuration(text: String, failure: Quantity.Failure) {
        #expect(throws: failure) { try Quantity.seconds(text) }
    }

    @Test("Sizes are shown with three figures or so")
    func describeBytes() {
        let pairs: [(UInt64, String)] = [
            (0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (18_200_000_000, "18.2 GB"), (999_949, "999.9 kB"),
            (999_950, "1.0 MB"), (1_000_000, "1.0 MB"), (.max, "18.4 EB"),
        ]
        for (bytes, text) in pairs { #expect(Quantity.describe(bytes: bytes) == text) }
    }

    @Test("Durations are shown with their two largest units")
    func describeSeconds() {
        let pairs: [(Int64, String)] = [
            (0, "0s"), (58, "58s"), (221, "3m41s"), (9_000, "2h30m"), (777_600, "9d"), (86_401, "1d"), (3_600, "1h"),
            (-5, "-5s"), (.min, "-106751991167300d15h"),
        ]
        for (seconds, text) in pairs { #expect(Quantity.describe(seconds: seconds) == text) }
    }

    @Test("A word nearby is suggested, a far one is not")
    func nearest() {
        let words = ["replicas", "origin", "name", "max_lag"]
        #expect(Spelling.nearest(to: "replica", among: words) == "replicas")
        #expect(Spelling.nearest(to: "orgin", among: words) == "origin")
        #expect(Spelling.nearest(to: "nmae", among: words) == "name")
        #expect(Spelling.nearest(to: "owner", among: words) == nil)
        #expect(Spelling.nearest(to: "", among: words) == nil)
        #expect(Spelling.nearest(to: String(repeating: "a", count: 100_000), among: words) == nil)
        #expect(Spelling.nearest(to: "ax", among: ["ab", "aa"]) == "aa")
    }

    @Test("Quoted text cannot move the cursor or turn the writing")
    func quoted() {
        #expect(Spelling.quoted("a\"b\\c\n\t") == #""a\"b\\c\n\t""#)
        #expect(Spelling.quoted("\u{1b}[2J\u{202e}") == #""\u{1b}[2J\u{202e}""#)
        #expect(Spelling.quoted("größe") == "\"größe\"")
    }

    @Test("An address is a host and a port, IPv6 in brackets")
    func addresses() {
        for text in ["fra1.example.org:7444", "127.0.1.1:1", "[::1]:7444", "[::]:0", "a_b:65535"] {
            #expect(NetworkAddress(text)?.description == text)
        }
        for text in [
            "", ":", ":80", "host", "host:", "host:65536", "host:123456", "host:-1", "host:+1", "::1:80", "[::1]",
            "[]:80", "[x]:80", "[host]:80", "ho st:80", "https://host:80", "höst:80", "[::1:80", "host:٣",
        ] {
            #expect(NetworkAddress(text) == nil, "\(text)")
        }
    }

    @Test("A generation is read from TERM.NUMBER and compares by term first")
    func generations() {
        #expect(Generation("1.17") == Generation(term: 1, number: 17))
        for text in ["", "1", "1.", ".1", "1.2.3", "+1.2", "1.-2", "1.18446744073709551616"] {
            #expect(Generation(text) == nil, "\(text)")
        }
        #expect(Generation(term: 1, number: 99) < Generation(term: 2, number: 1))
        #expect(Generation(term: 2, number: 1) < Generation(term: 2, number: 2))
    }

    @Test("A reserve is a size or a part of the disk")
    func reserve() {
        #expect(DiskReserve.percent(10).bytes(ofDisk: 1_000) == 100)
        #expect(DiskReserve.percent(90).bytes(ofDisk: .max) == 16_602_069_666_338_596_453)
        #expect(DiskReserve.bytes(5).bytes(ofDisk: 1) == 5)
        #expect(DiskReserve.defaultBytes(ofDisk: 1_000_000) == 10_000)
        #expect(DiskReserve.defaultBytes(ofDisk: 5_000_000_000_000) == 64 << 20)
    }

    @Test("Paths are taken from the folder of the file")
    func paths() {
        #expect(FilePlace.folder(of: "/etc/mirrorfleet/fleet.yaml") == "/etc/mirrorfleet")
        #expect(FilePlace.folder(of: "fleet.yaml") == "")
        #expect(FilePlace.folder(of: "/fleet.yaml") == "/")
        #expect(FilePlace.resolve("a/b", in: "/x") == "/x/a/b")
        #expect(FilePlace.resolve("./a/", in: "/x") == "/x/a")
        #expect(FilePlace.resolve(".", in: "/x") == "/x")
        #expect(FilePlace.resolve("/a", in: "/x") == "/a")
        #expect(FilePlace.resolve("a", in: "") == "a")
        #expect(FilePlace.resolve("a", in: "/") == "/a")
    }
}
