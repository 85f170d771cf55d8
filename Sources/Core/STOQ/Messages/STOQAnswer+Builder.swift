import Content

extension STOQAnswer {
    /// Puts together the messages of an answer.
    package struct Builder {
        /// Bytes of the table and its length that every message has room for beside the items.
        static let tableReserve = 60 << 10
        /// The most bytes of the table that one more entry takes.
        private static let entryBytes = 8

        private let byteLimit: Int
        private var bytes: [UInt8] = []
        private var items: [(index: Int, isLast: Bool, length: Int)] = []
        private var absent: [Int] = []

        /// Messages with up to `byteLimit` bytes of items; at most 1 MiB.
        package init(byteLimit: Int = 1 << 20) {
            precondition(
                (1...STOQLimits.messageCeiling - Self.tableReserve).contains(byteLimit), "a limit of \(byteLimit) bytes"
            )
            self.byteLimit = byteLimit
        }

        /// Bytes that can still be added; 0 when the message should be taken.
        package var room: Int {
            items.count < entryLimit && absent.count < entryLimit ? byteLimit - bytes.count : 0
        }

        /// Whether nothing was added.
        package var isEmpty: Bool { items.isEmpty && absent.isEmpty }

        /// Adds an item, or a part of one. There must be ``room`` for it.
        package mutating func add(_ index: Int, _ part: ArraySlice<UInt8>, isLast: Bool = true) {
            begin(index, count: part.count)
            bytes.append(contentsOf: part)
            items.append((index, isLast, part.count))
        }

        /// Adds a whole item of `count` bytes that `fill` writes. There must be ``room`` for it. If `fill` throws,
        /// nothing was added.
        package mutating func add(
            _ index: Int, count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws -> Void
        ) rethrows {
            begin(index, count: count)
            if bytes.isEmpty { bytes.reserveCapacity(byteLimit + Self.tableReserve) }
            let start = bytes.count
            // The memory of an array is written once for its initial value; that is cheap beside reading a file.
            bytes.append(contentsOf: repeatElement(0, count: count))
            do {
                try bytes.withUnsafeMutableBytes { try fill(UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
            } catch {
                bytes.removeSubrange(start...)
                throw error
            }
            items.append((index, true, count))
        }

        /// Says that what stands at `index` in the request is not here.
        package mutating func addAbsent(_ index: Int) {
            begin(index, count: 0)
            absent.append(index)
        }

        /// The message; the next one begins empty.
        package mutating func take() -> [UInt8] {
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
            var message: [UInt8] = []
            swap(&message, &bytes)
            message.append(contentsOf: table.bytes)
            items.removeAll(keepingCapacity: true)
            absent.removeAll(keepingCapacity: true)
            return message
        }

        private func begin(_ index: Int, count: Int) {
            precondition((0..<STOQRequest.digestLimit).contains(index), "an item at \(index)")
            precondition(count >= 0 && count <= byteLimit - bytes.count, "\(count) bytes where \(room) have room")
            precondition(items.count < entryLimit && absent.count < entryLimit, "too many items for one message")
        }
    }
}
