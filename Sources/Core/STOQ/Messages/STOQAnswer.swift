package import Content

/// One message of an answer: items, or parts of items, by their position in the request, and the positions of what is
/// absent.
///
/// The bytes of the items come first, one after the other, then the table that says whose they are, then the length of
/// the table: so a sender reads items straight into the message, and a receiver uses them where they lie.
package struct STOQAnswer: Sendable {
    /// An item, or a part of one.
    package struct Item: Hashable, Sendable {
        /// The position in the request.
        package let index: Int
        /// Whether the item ends here; else more of it follows in the next message.
        package let isLast: Bool
        /// Where its bytes are in the message.
        package let range: Range<Int>
    }

    /// The most items, and the most absent positions, in one message.
    static let entryLimit = STOQRequest.digestLimit
    /// Bytes of the length at the end.
    static let footerByteCount = 4
    static let lastFlag: UInt8 = 1

    /// Items and parts in the order of their bytes.
    package let items: [Item]
    /// Positions of what was asked for and is not here.
    package let absent: [Int]
    /// The message itself.
    package let message: STOQMessage

    /// Reads the table of a message. Throws `CodecError` if it is none, or does not fit the bytes.
    package init(_ message: STOQMessage) throws(CodecError) {
        self.message = message
        let (table, start) = try Self.table(of: message)
        var reader = ByteReader(table)
        var items: [Item] = []
        var offset = 0
        for _ in 0..<(try reader.count(max: Self.entryLimit)) {
            let index = try reader.count(max: STOQRequest.digestLimit - 1)
            let flags = try reader.u8()
            guard flags <= Self.lastFlag else { throw reader.malformed("an item with flags \(flags)") }
            let length = try reader.count(max: start - offset)
            items.append(Item(index: index, isLast: flags == Self.lastFlag, range: offset..<offset + length))
            offset += length
        }
        guard offset == start else {
            throw reader.malformed("the items have \(offset) bytes, the message has \(start)")
        }
        var absent: [Int] = []
        for _ in 0..<(try reader.count(max: Self.entryLimit)) {
            absent.append(try reader.count(max: STOQRequest.digestLimit - 1))
        }
        try reader.expectEnd()
        self.items = items
        self.absent = absent
    }

    /// A copy of the bytes of `item`.
    package func bytes(of item: Item) -> [UInt8] {
        message.withUnsafeBytes { Array($0[item.range]) }
    }

    private static func table(of message: STOQMessage) throws(CodecError) -> (table: [UInt8], start: Int) {
        let count = message.byteCount
        guard count >= footerByteCount else { throw .truncated(offset: 0, missing: footerByteCount - count) }
        let end = count - footerByteCount
        let length = message.withUnsafeBytes {
            UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: end, as: UInt32.self))
        }
        guard length <= end else {
            throw .valueTooLarge(offset: end, value: UInt64(length), limit: UInt64(end))
        }
        let start = end - Int(length)
        return (message.withUnsafeBytes { Array($0[start..<end]) }, start)
    }
}
