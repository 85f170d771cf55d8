import Content
import Testing

@Suite struct RelativePathTests {
    @Test func `legal names are taken as they are, byte by byte`() throws {
        let texts = [
            "a", "a/b", "...", "..a", "a..", ".a", ". ", "a b", "-rf", "~", "\u{1B}[31m", "new\nline", "a\\b", "a:b",
            "*",
            "con", ".fleet2", ".stores", ".Store", "a/.store", "a/.fleet/.releases", "store", "ä", "a\u{308}",
        ]
        for text in texts { #expect(try RelativePath(text).bytes == Array(text.utf8)) }
        for bytes: [UInt8] in [[0xFF], [0xC3], [0xE2, 0x82], [1], [0x80, 0x2F, 0x80], [0xED, 0xA0, 0x80]] {
            #expect(try RelativePath(bytes).bytes == bytes)
        }
    }

    @Test func `each broken rule has its own error`() {
        let cases: [(String, PathError)] = [
            ("", .empty), ("/", .absolute), ("/a", .absolute), ("//a", .absolute), ("a/", .emptyComponent(offset: 2)),
            ("a//b", .emptyComponent(offset: 2)), (".", .dotComponent(offset: 0)), ("..", .dotComponent(offset: 0)),
            ("a/.", .dotComponent(offset: 2)), ("a/..", .dotComponent(offset: 2)), ("../a", .dotComponent(offset: 0)),
            ("a/../b", .dotComponent(offset: 2)), ("./a", .dotComponent(offset: 0)), ("\0", .containsNUL(offset: 0)),
            ("a\0b", .containsNUL(offset: 1)), ("a/b\0", .containsNUL(offset: 3)), (".fleet", .reservedName(".fleet")),
            (".store/x", .reservedName(".store")), (".releases", .reservedName(".releases")),
        ]
        for (text, error) in cases {
            #expect(throws: error, "\(text)") { try RelativePath(text) }
            #expect(!error.description.isEmpty)
        }
    }

    @Test func `lengths and depth are bounded exactly`() throws {
        let name = [UInt8](repeating: 0x61, count: 255)
        #expect(try RelativePath(name).bytes.count == 255)
        #expect(throws: PathError.componentTooLong(offset: 0, length: 256)) { try RelativePath(name + [0x61]) }
        #expect(throws: PathError.componentTooLong(offset: 2, length: 256)) {
            try RelativePath([0x61, 0x2F] + name + [0x61])
        }
        let long = [[UInt8]](repeating: name, count: 16).joined(separator: [0x2F])
        #expect(try RelativePath(Array(long)).bytes.count == 4_095)
        #expect(throws: PathError.tooLong(length: 4_096)) { try RelativePath(Array(long) + [0x61]) }
        let deep = String(repeating: "a/", count: 127) + "a"
        #expect(try RelativePath(deep).depth == 128)
        #expect(throws: PathError.tooDeep(depth: 129)) { try RelativePath("a/" + deep) }
    }

    @Test func `composed and decomposed letters are two names`() throws {
        let composed = try RelativePath("\u{E9}")
        let decomposed = try RelativePath("e\u{301}")
        #expect(composed != decomposed)
        #expect("\u{E9}" == "e\u{301}", "text does not tell them apart")
        #expect(Set([composed, decomposed]).count == 2)
        let table = NodeTable()
        let root = try table.build([try TreeSamples.file("e\u{301}", "1"), try TreeSamples.file("\u{E9}", "2")])
        #expect(root.entries == 2)
    }

    @Test func `paths are ordered by their bytes`() throws {
        let ordered = ["A", "a", "a!", "a!/x", "a/b", "a0", "aa", "b", "\u{E9}"]
        let paths = try ordered.map { try RelativePath($0) }
        #expect(paths.shuffled().sorted() == paths)
        var random = TreeRandom(test: "path order")
        for _ in 0..<20_000 {
            let a = try RelativePath((0...random.below(20)).map { _ in UInt8(0x61 + random.below(2)) })
            let b = try RelativePath((0...random.below(20)).map { _ in UInt8(0x61 + random.below(2)) })
            #expect((a < b) == a.bytes.lexicographicallyPrecedes(b.bytes))
        }
        let high = try RelativePath([0x61, 0x80])
        #expect(try RelativePath("az") < high)
    }

    @Test func `paths are taken apart and put together`() throws {
        let path = try RelativePath("a/bc/d")
        #expect(path.components.map { Array($0) } == [Array("a".utf8), Array("bc".utf8), Array("d".utf8)])
        #expect(Array(path.lastComponent) == Array("d".utf8))
        #expect(try path.parent == RelativePath("a/bc"))
        #expect(try RelativePath("a").parent == nil)
        #expect(try RelativePath("a/bc").appending(component: Array("d".utf8)) == path)
        #expect(try RelativePath.joining(nil, Array("a".utf8)).appending(component: [0xFF]).depth == 2)
        #expect(throws: PathError.slashInComponent(offset: 1)) { try path.appending(component: Array("x/y".utf8)) }
        #expect(throws: PathError.dotComponent(offset: 7)) { try path.appending(component: Array("..".utf8)) }
        #expect(throws: PathError.emptyComponent(offset: 7)) { try path.appending(component: []) }
        #expect(throws: PathError.slashInComponent(offset: 1)) { try RelativePath.joining(nil, Array("x/y".utf8)) }
    }

    @Test func `a path is printed so that it cannot play tricks on a terminal`() throws {
        let cases: [([UInt8], String)] = [
            (Array("plain-1.0_ä€😀".utf8), "plain-1.0_ä€😀"), (Array("a\nb".utf8), "a\\nb"),
            (Array("a\u{1B}[2J".utf8), "a\\x1b[2J"), (Array("back\\slash".utf8), "back\\\\slash"),
            (Array("\u{202E}gpj".utf8), "\\u{202e}gpj"), ([0x61, 0xFF, 0x62], "a\\xffb"), ([0xC3], "\\xc3"),
            ([0xE2, 0x82, 0x41], "\\xe2\\x82A"), ([0xF0, 0x9F, 0x98], "\\xf0\\x9f\\x98"),
            ([0x7F, 9, 13], "\\x7f\\t\\r"),
            (Array("\u{85}\u{200B}\u{FEFF}".utf8), "\\u{85}\\u{200b}\\u{feff}"),
            ([0xED, 0xA0, 0x80], "\\xed\\xa0\\x80"),
            ([0xC0, 0xAF], "\\xc0\\xaf"),
        ]
        for (bytes, text) in cases { #expect(TerminalText.escape(bytes) == text) }
        #expect(try RelativePath([0x61, 0xFF]).description == "a\\xff")
        #expect(TerminalText.escape([]).isEmpty)
    }
}
