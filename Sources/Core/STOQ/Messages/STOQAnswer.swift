package import Content

/// One message of an answer: some of the items that were asked for, and which are not there.
///
/// Layout: `u16` number of items, `u16` number of absent ones; for each item `u16` its position in the request, `u8` 1
/// if these are its last bytes, `u32` how many; for each absent one `u16` its position; then the bytes of the items in
/// the same order. All numbers little-endian. Payload is never copied: ranges point into the message.
package struct STOQAnswer: Sendable, Hashable {
    /// Bytes of one item, or the next part of it.
    package struct Item: Sendable, Hashable {
        /// Position in the request.
        package let index: Int
        /// Whether the item is complete with these bytes.
        package let isLast: Bool
        /// Where its bytes are in the message.
        package let range: Range<Int>
    }

    static let headerByteCount = 4
    static let itemByteCount = 7
    static let absentByteCount = 2

    /// The items, in the order of the message.
    package let items: [Item]
    /// Positions in the request of what is not there.
    package let absent: [Int]

    /// Reads the header of a message. Throws ``CodecError`` unless the items fill the message exactly.
    package init(_ message: UnsafeRawBufferPointer) throws(CodecError) {
        // Only the header is copied; the largest is 4 + 65,535 * 9 bytes and is bounded by the message anyway.
        guard message.count >= Self.headerByteCount else { throw ByteReader([]).malformed("an answer without header") }
        let count = Int(message.loadUnaligned(fromByteOffset: 0, as: UInt16.self).littleEndian)
        let absentCount = Int(message.loadUnaligned(fromByteOffset: 2, as: UInt16.self).littleEndian)
        let headerEnd =
            Self.headerByteCount + count * Self.itemByteCount + absentCount * Self.absentByteCount
        guard headerEnd <= message.count else { throw ByteReader([]).malformed("an answer with a cut header") }
        var reader = ByteReader([UInt8](message[Self.headerByteCount..<headerEnd]))
        var items: [Item] = []
        items.reserveCapacity(count)
        var position = headerEnd
        for _ in 0..<count {
            let index = Int(try reader.u16())
            let flag = try reader.u8()
            let length = Int(try reader.u32())
            guard flag <= 1, length <= message.count - position else {
                throw reader.malformed("an item that is longer than its message")
            }
            items.append(Item(index: index, isLast: flag == 1, range: position..<position + length))
            position += length
        }
        guard position == message.count else { throw reader.malformed("bytes after the last item") }
        var absent: [Int] = []
        absent.reserveCapacity(absentCount)
        for _ in 0..<absentCount { absent.append(Int(try reader.u16())) }
        self.items = items
        self.absent = absent
    }
}

extension STOQAnswer {
    /// Makes one message after the other, each of about `byteLimit` bytes of items.
    package struct Builder: Sendable {
        private let byteLimit: Int
        private var header: [(index: Int, isLast: Bool, count: Int)] = []
        private var absent: [Int] = []
        private var payload: [UInt8] = []

        /// Items whose bytes sum up to `byteLimit` fill a message; at most ``STOQLimits/messageByteCount``.
        package init(byteLimit: Int) {
            precondition(byteLimit <= STOQLimits.payloadByteCount, "\(byteLimit) bytes do not fit in a message")
            self.byteLimit = byteLimit
        }

        /// Whether there is nothing to send.
        package var isEmpty: Bool { header.isEmpty && absent.isEmpty }

        /// Bytes of items that still fit.
        package var room: Int {
            header.count + absent.count >= STOQRequest.digestLimit ? 0 : max(0, byteLimit - payload.count)
        }

        /// Adds an item, or a part of it.
        package mutating func add(_ index: Int, _ bytes: ArraySlice<UInt8>, isLast: Bool) {
            header.append((index, isLast, bytes.count))
            payload.append(contentsOf: bytes)
        }

        /// Adds a whole item of `count` bytes that `fill` writes in place; if it throws nothing was added.
        package mutating func add(
            _ index: Int, count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws -> Void
        ) throws {
            if payload.isEmpty { payload.reserveCapacity(max(count, byteLimit)) }
            let start = payload.count
            payload.append(contentsOf: repeatElement(0, count: count))
            do {
                try payload.withUnsafeMutableBytes { bytes in
                    try fill(UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
                }
            } catch {
                payload.removeLast(count)
                throw error
            }
            header.append((index, true, count))
        }

        /// Says that an item is not there.
        package mutating func addAbsent(_ index: Int) {
            absent.append(index)
        }

        /// The message; the builder is empty afterwards.
        package mutating func take() -> [UInt8] {
            var writer = ByteWriter(
                capacity: STOQAnswer.headerByteCount + header.count * STOQAnswer.itemByteCount
                    + absent.count * STOQAnswer.absentByteCount + payload.count)
            writer.u16(UInt16(header.count))
            writer.u16(UInt16(absent.count))
            for item in header {
                writer.u16(UInt16(item.index))
                writer.u8(item.isLast ? 1 : 0)
                writer.u32(UInt32(item.count))
            }
            for index in absent { writer.u16(UInt16(index)) }
            writer.bytes(payload)
            header = []
            absent = []
            payload = []
            return writer.bytes
        }
    }
}
