/// The words of a Swift source text, without comments and string literals: enough to see imports, modifiers and uses.
struct SwiftText {
    /// One identifier or keyword.
    struct Word: Equatable {
        var text: String
        /// The character right before it, as in `.random` or `@testable`; nil at the start of the text.
        var before: Character?
        /// The first character after it that is no space.
        var after: Character?
        var line: Int
        /// Whether a line or a statement (after `;`) begins with it, but for modifiers and attributes.
        var statement: Int
    }

    let words: [Word]

    init(_ source: String) {
        words = Self.split(Self.withoutCommentsAndStrings(Array(source.utf8)))
    }

    /// Modules imported, in order, with the line of each.
    var imports: [(module: String, line: Int)] {
        let kinds: Set = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        var found: [(String, Int)] = []
        for (index, word) in words.enumerated() where word.text == "import" && word.before != "." && word.before != "`"
        {
            guard index + 1 < words.count else { continue }
            var next = words[index + 1]
            if kinds.contains(next.text), index + 2 < words.count {
                next = words[index + 2]
            }
            guard next.statement == word.statement else { continue }
            found.append((next.text, word.line))
        }
        return found
    }

    /// The text with comments and the letters of string literals blanked; code inside of interpolations stays.
    private static func withoutCommentsAndStrings(_ source: [UInt8]) -> [UInt8] {
        /// What surrounds the current place: a string with its delimiters, or the parentheses of an interpolation.
        enum Surrounding {
            case string(pounds: Int, isMultiline: Bool)
            case interpolation(parentheses: Int)
        }
        var out: [UInt8] = []
        out.reserveCapacity(source.count)
        var stack: [Surrounding] = []
        var index = 0
        func matches(_ text: String, at place: Int) -> Bool {
            place < source.count && source[place...].starts(with: text.utf8)
        }
        func blank(_ count: Int) {
            for _ in 0..<count where index < source.count {
                out.append(source[index] == newline ? newline : UInt8(ascii: " "))
                index += 1
            }
        }
        while index < source.count {
            if case .string(let pounds, let isMultiline)? = stack.last {
                let fence = String(repeating: "#", count: pounds)
                let quote = (isMultiline ? "\"\"\"" : "\"") + fence
                if matches("\\" + fence + "(", at: index) {
                    blank(pounds + 2)
                    stack.append(.interpolation(parentheses: 0))
                } else if matches("\\" + fence, at: index) {
                    blank(pounds + 2)
                } else if matches(quote, at: index) {
                    blank(quote.count)
                    stack.removeLast()
                } else {
                    blank(1)
                }
                continue
            }
            if matches("//", at: index) {
                while index < source.count, source[index] != newline { blank(1) }
                continue
            }
            if matches("/*", at: index) {
                var depth = 0
                repeat {
                    if matches("/*", at: index) {
                        depth += 1
                        blank(2)
                    } else if matches("*/", at: index) {
                        depth -= 1
                        blank(2)
                    } else {
                        blank(1)
                    }
                } while depth > 0 && index < source.count
                continue
            }
            var pounds = 0
            while index + pounds < source.count, source[index + pounds] == UInt8(ascii: "#") { pounds += 1 }
            if matches("\"", at: index + pounds) {
                let isMultiline = matches("\"\"\"", at: index + pounds)
                blank(pounds + (isMultiline ? 3 : 1))
                stack.append(.string(pounds: pounds, isMultiline: isMultiline))
                continue
            }
            if case .interpolation(let parentheses)? = stack.last {
                if source[index] == UInt8(ascii: "(") {
                    stack[stack.count - 1] = .interpolation(parentheses: parentheses + 1)
                } else if source[index] == UInt8(ascii: ")") {
                    if parentheses == 0 {
                        stack.removeLast()
                    } else {
                        stack[stack.count - 1] = .interpolation(parentheses: parentheses - 1)
                    }
                }
            }
            out.append(source[index])
            index += 1
        }
        return out
    }

    private static func split(_ text: [UInt8]) -> [Word] {
        func isLetter(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
                0x80...:
                true
            default: false
            }
        }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func isSpace(_ byte: UInt8) -> Bool { byte <= UInt8(ascii: " ") }
        var words: [Word] = []
        var line = 1
        var statement = 0
        var index = 0
        while index < text.count {
            guard isLetter(text[index]) else {
                if text[index] == newline { line += 1 }
                if text[index] == newline || text[index] == UInt8(ascii: ";") { statement += 1 }
                index += 1
                continue
            }
            let start = index
            while index < text.count, isLetter(text[index]) || isDigit(text[index]) { index += 1 }
            let after = text[index...].first { !isSpace($0) }
            words.append(
                Word(
                    text: String(decoding: text[start..<index], as: UTF8.self),
                    before: start > 0 ? Character(Unicode.Scalar(text[start - 1])) : nil,
                    after: after.map { Character(Unicode.Scalar($0)) }, line: line, statement: statement))
        }
        return words
    }
}

private let newline = UInt8(ascii: "\n")
