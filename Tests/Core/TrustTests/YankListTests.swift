import Content
import Testing
import Trust
import TrustSupport
import UpdateFramework

@Suite struct YankListTests {
    private func list(_ paths: [String], set: String = "debian") throws -> YankList {
        var list = YankList(fleet: "example", set: set)
        for path in paths {
            #expect(list.add(YankList.Entry(path: try RelativePath(path), reason: "bad", yankedAt: 5)))
        }
        return list
    }

    @Test func `a list comes back as it was written, and nothing else is read`() throws {
        let list = try list(["pool/x", "a", "pool"])
        let bytes = list.encode()
        #expect(list.entries.map(\.path.description) == ["a", "pool", "pool/x"])
        #expect(try YankList(decoding: bytes) == list)
        for end in bytes.indices {
            #expect(throws: CodecError.self) { try YankList(decoding: Array(bytes[..<end])) }
        }
        #expect(throws: CodecError.self) { try YankList(decoding: bytes + [0]) }
    }

    @Test func `a directory yanks what is below it, and no name that only begins like it`() throws {
        let list = try list(["pool/x", "z"])
        for path in ["pool/x", "pool/x/y", "pool/x/y/z", "z"] { #expect(list.covers(try RelativePath(path))) }
        for path in ["pool", "pool/xy", "pool/w", "zz", "a"] { #expect(!list.covers(try RelativePath(path))) }
    }

    @Test func `a path is listed once, and can be taken away`() throws {
        var list = try list(["a", "b"])
        #expect(list.add(YankList.Entry(path: try RelativePath("a"), reason: "worse", yankedAt: 9)))
        #expect(list.entries.count == 2 && list.entries[0].yankedAt == 9)
        #expect(list.remove(try RelativePath("a")))
        #expect(!list.remove(try RelativePath("a")))
        var full = YankList(fleet: "example", set: "debian")
        for number in 0..<YankList.limit {
            _ = full.add(YankList.Entry(path: try RelativePath("f\(number)"), reason: "", yankedAt: 0))
        }
        #expect(!full.add(YankList.Entry(path: try RelativePath("one-more"), reason: "", yankedAt: 0)))
        let long = YankList.Entry(
            path: try RelativePath("a"), reason: String(repeating: "x", count: 9_999), yankedAt: 0)
        #expect(long.reason.count == YankList.reasonByteCount)
    }

    @Test func `only a list that the set's role names is believed`() throws {
        let publisher = try samplePublisher()
        let own = try list(["a"]).encode()
        let repository = try publisher.verified(publisher.documents(yanking: own, of: "debian"))
        #expect(try repository.verify(yanked: own, ofSet: "debian").list.entries.count == 1)
        #expect(throws: TrustError.self) { try repository.verify(yanked: list(["b"]).encode(), ofSet: "debian") }
        #expect(throws: TrustError.notYanked("iso")) { try repository.verify(yanked: own, ofSet: "iso") }
        let other = try list(["a"], set: "iso").encode()
        let mixed = try publisher.verified(publisher.documents(yanking: other, of: "debian"))
        #expect(throws: TrustError.otherSet(expected: "debian", found: "iso")) {
            try mixed.verify(yanked: other, ofSet: "debian")
        }
    }
}
