import Content

extension STOQAnswer {
    /// Puts together the messages of an answer.
    package struct Builder {
        /// Bytes of the table and its length that every message has room for beside the items.
        static let tableReserve = 60 << 10
        /// The most bytes of the table that one more entry takes.
        private static let entryBytes = 8

        private let byteLimit: Int
        private let pool: STOQSlabPool?
        /// The items so far; its room grows with them.
        private var message: STOQMessage?
        private var items: [(index: Int, isLast: Bool, length: Int)] = []
        private var absent: [Int] = []

        /// Messages with up to `byteLimit` bytes of items; at most 1 MiB. Their memory comes from `pool`.
        package init(byteLimit: Int = 1 << 20, pool: STOQSlabPool? = nil) {
            precondition(
                (1...STOQLimits.messageCeiling - Self.tableReserve).contains(byteLimit), "a limit of \(byteLimit) bytes"
            )
            self.byteLimit = byteLimit
            self.pool = pool
        }

        private var byteCount: Int { message?.byteCount ?? 0 }

        /// Bytes that can still be added; 0 when the message should be taken.
        package var room: Int {
            items.count < entryLimit && absent.count < entryLimit ? byteLimit - byteCount : 0
        }

        /// Whether nothing was added.
        package var isEmpty: Bool { items.isEmpty && absent.isEmpty }

        /// Adds an item, or a part of one. There must be ``room`` for it.
        package mutating func add(_ index: Int, _ part: ArraySlice<UInt8>, isLast: Bool = true) {
            begin(index, count: part.count)
            makeRoom(part.count).append(part.count) { $0.copyBytes(from: part) }
            items.append((index, isLast, part.count))
        }

        /// Adds a whole item of `count` bytes that `fill` writes. There must be ``room`` for it. If `fill` throws,
        /// nothing was added.
        package mutating func add(
            _ index: Int, count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws -> Void
        ) rethrows {
            begin(index, count: count)
            try makeRoom(count).append(count, fill)
            items.append((index, true, count))
        }

        /// Says that what stands at `index` in the request is not here.
        package mutating func addAbsent(_ index: Int) {
            begin(index, count: 0)
            absent.append(index)
        }

        /// The message; the next one begins empty.
        package mutating func take() -> STOQMessage {
            var table = ByteWriter(capacity: (items.count + absent.count + 1) * Self.entryBytes)
            table.varint(UInt64(items.count))
            for item in items {
                table.varint(UInt64(item.index))
                table.u8(item.isLast ? lastFlag : 0)
                table.varint(UInt64(item.length))
            }
            table.varint(UInt64(absent.count))
            for index in absent {
                table.varint(UInt64(index))
            }
            let length = table.count
            table.u32(UInt32(length))
            let whole = makeRoom(table.count)
            table.bytes.withUnsafeBytes { whole.append($0) }
            message = nil
            items.removeAll(keepingCapacity: true)
            absent.removeAll(keepingCapacity: true)
            return whole
        }

        /// The message with room for `count` more bytes.
        private mutating func makeRoom(_ count: Int) -> STOQMessage {
            if let message, message.missing >= count { return message }
            // Twice as much each time, so that small answers stay small; the pool has few sizes anyhow.
            let wanted = max(byteCount + count, min(2 * byteCount, byteLimit + Self.tableReserve))
            let larger = STOQMessage(capacity: wanted, pool: pool)
            message?.withUnsafeBytes { larger.append($0) }
            message = larger
            return larger
        }

        /// Has room for `count` bytes of items from the start: fewer copies, where that many are known to come.
        package mutating func expect(_ count: Int) {
            guard message == nil, count > 0 else { return }
            message = STOQMessage(capacity: min(count, byteLimit) + Self.tableReserve, pool: pool)
        }

        private func begin(_ index: Int, count: Int) {
            precondition((0..<STOQRequest.digestLimit).contains(index), "an item at \(index)")
            precondition(count >= 0 && count <= byteLimit - byteCount, "\(count) bytes where \(room) have room")
            precondition(items.count < entryLimit && absent.count < entryLimit, "too many items for one message")
        }
    }
}
