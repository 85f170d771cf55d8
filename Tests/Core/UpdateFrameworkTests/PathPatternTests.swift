import TestSupport
import Testing
import UpdateFramework

@Suite struct PathPatternTests {
    private func matches(_ pattern: String, _ path: String) throws -> Bool {
        try #require(PathPattern(Array(pattern.utf8))).matches(try #require(TargetPath(Array(path.utf8))))
    }

    @Test(arguments: [
        ("*.tgz", "foo.tgz"), ("targets/*.tgz", "targets/bar.tgz"), ("foo-version-?.tgz", "foo-version-a.tgz"),
        ("foo.tgz", "foo.tgz"), ("*", "a"), ("a*b*c", "aXbXbc"), ("**", "abc"), ("?", "\u{e9}"), ("*/*", "a/b"),
        ("[a]", "[a]"), ("a/*", "a/"), ("*b", "bbbb"),
    ])
    func `these match`(pattern: String, path: String) throws {
        #expect(try matches(pattern, path))
    }

    @Test(arguments: [
        ("*.tgz", "targets/foo.tgz"), ("targets/*.tgz", "targets/foo.txt"),
        ("foo-version-?.tgz", "foo-version-alpha.tgz"),
        ("*", "a/b"), ("a?b", "a/b"), ("foo", "foo/"), ("foo", "FOO"), ("[a]", "a"), ("**", "a/b"),
        ("\u{e9}", "e\u{301}"),
        ("a", "ab"), ("ab", "a"), ("*a", "/a"),
    ])
    func `these do not`(pattern: String, path: String) throws {
        #expect(try !matches(pattern, path))
    }

    @Test func `a pattern matches what the plain definition of its letters says`() throws {
        var random = SplitMix64(test: "patterns", fallback: 20_261_128)
        var matched = 0
        for _ in 0..<20_000 {
            let pattern = text(from: "ab*?/", upTo: 6, &random)
            let path = text(from: "ab/", upTo: 7, &random)
            let expected = Self.plainly(pattern[...], path[...])
            matched += expected ? 1 : 0
            let found = try #require(PathPattern(pattern)).matches(try #require(TargetPath(path)))
            #expect(found == expected, "\(PrintableText(pattern)) and \(PrintableText(path))")
        }
        #expect(matched > 500)
    }

    @Test func `many stars cost no more than the product of the lengths`() throws {
        let pattern = try #require(PathPattern(Array(String(repeating: "*a", count: 500).utf8) + [0x62]))
        let path = try #require(TargetPath([UInt8](repeating: 0x61, count: 1_024)))
        // Trying every star against every place would take longer than the universe has been there.
        #expect(!pattern.matches(path))
    }

    /// By the definition, one letter after the other, with every way of each star.
    private static func plainly(_ pattern: ArraySlice<UInt8>, _ path: ArraySlice<UInt8>) -> Bool {
        guard let letter = pattern.first else { return path.isEmpty }
        let rest = pattern.dropFirst()
        if letter == UInt8(ascii: "*") {
            if plainly(rest, path) { return true }
            guard let first = path.first, first != UInt8(ascii: "/") else { return false }
            return plainly(pattern, path.dropFirst())
        }
        guard let first = path.first else { return false }
        guard letter == first || (letter == UInt8(ascii: "?") && first != UInt8(ascii: "/")) else { return false }
        return plainly(rest, path.dropFirst())
    }

    private func text(from letters: String, upTo count: Int, _ random: inout SplitMix64) -> [UInt8] {
        (0..<Int.random(in: 1...count, using: &random)).map { _ in
            Array(letters.utf8).randomElement(using: &random) ?? 0
        }
    }
}
