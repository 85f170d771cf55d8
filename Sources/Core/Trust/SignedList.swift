package import Content

/// Something signed that travels in a ``SignedList``.
package protocol ListedWord: Hashable, Sendable {
    /// What several are called, for errors.
    static var listKind: String { get }
    /// The first bytes of a list: tell a person who finds it, and this program, what it is.
    static var listMark: [UInt8] { get }
    /// The most in one list.
    static var listLimit: Int { get }
    /// The most bytes of one.
    static var maximumByteCount: Int { get }
    /// The canonical bytes.
    func encode() -> [UInt8]
    /// Reads the canonical form; any other bytes are refused. Throws `CodecError`.
    init(decoding bytes: [UInt8]) throws(CodecError)
}

/// Words of many, each signed by whoever says it, so that whoever has the list can pass it on.
package struct SignedList<Word: ListedWord>: Hashable, Sendable {
    /// The version this program writes and reads.
    package static var formatVersion: UInt8 { 1 }
    /// The most words.
    package static var limit: Int { Word.listLimit }
    /// The most bytes of a list.
    package static var maximumByteCount: Int { 4 << 20 }
    /// Of mark, version and number, and of the length before each word.
    private static var overheadByteCount: Int { 16 }

    /// In the order of the list.
    package let words: [Word]

    /// A list of none.
    package init() {
        words = []
    }

    /// A list of these; nothing is verified. Those beyond the limits are left out.
    package init(_ words: some Sequence<Word>) {
        var kept: [Word] = []
        var byteCount = Self.overheadByteCount
        for word in words.prefix(Self.limit) {
            byteCount += word.encode().count + 4
            guard byteCount <= Self.maximumByteCount else { break }
            kept.append(word)
        }
        self.words = kept
    }

    /// The canonical bytes: mark, version, number of words, each with its length.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.overheadByteCount + words.count * 1_024)
        writer.bytes(Word.listMark)
        writer.u8(Self.formatVersion)
        writer.varint(UInt64(words.count))
        for word in words { writer.lengthPrefixed(word.encode()) }
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused. Throws `CodecError`.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        guard bytes.count <= Self.maximumByteCount else {
            throw reader.malformed("\(bytes.count) bytes of \(Word.listKind), the limit is \(Self.maximumByteCount)")
        }
        guard try reader.raw(Word.listMark.count) == Word.listMark else {
            throw reader.malformed("this is no list of \(Word.listKind)")
        }
        let version = try reader.u8()
        guard version == Self.formatVersion else {
            throw reader.malformed("format version \(version) of a list of \(Word.listKind)")
        }
        var words: [Word] = []
        for _ in 0..<(try reader.count(max: Self.limit)) {
            words.append(try Word(decoding: reader.lengthPrefixed(max: Word.maximumByteCount)))
        }
        try reader.expectEnd()
        self.words = words
    }
}
