/// What makes one byte string from another that both sides have: runs copied from the base, and bytes between them.
///
/// Made for values that change little from one time to the next, as reports do. It says nothing about who made it, nor
/// whether the base is the right one: whoever applies it verifies what comes out.
package struct BytePatch: Hashable, Sendable {
    /// One step: the next bytes of the target.
    private enum Step: Hashable, Sendable {
        case copy(Range<Int>)
        case insert([UInt8])
    }

    /// Shorter runs are not looked for: naming one costs some bytes too.
    private static let blockByteCount = 16

    private var steps: [Step] = []
    /// The bytes of what it makes.
    package private(set) var targetByteCount = 0

    /// Finds what `target` shares with `base`, block by block (as rsync does, with the blocks themselves for the rolling
    /// sum): time grows with the lengths, not with their product.
    package init(from base: [UInt8], to target: [UInt8]) {
        let size = Self.blockByteCount
        var blocks: [ArraySlice<UInt8>: Int] = [:]
        for start in stride(from: 0, through: base.count - size, by: size) {
            // Of equal blocks the first: the later ones are mostly reached by going on from it.
            let block = base[start..<start + size]
            if blocks[block] == nil { blocks[block] = start }
        }
        var (position, pending) = (0, 0)
        while position + size <= target.count {
            guard let found = blocks[target[position..<position + size]] else {
                position += 1
                continue
            }
            var (from, start) = (found, position)
            while from > 0, start > pending, base[from - 1] == target[start - 1] {
                (from, start) = (from - 1, start - 1)
            }
            var (to, end) = (found + size, position + size)
            while to < base.count, end < target.count, base[to] == target[end] { (to, end) = (to + 1, end + 1) }
            if pending < start { append(.insert(Array(target[pending..<start]))) }
            append(.copy(from..<to))
            (position, pending) = (end, end)
        }
        if pending < target.count { append(.insert(Array(target[pending...]))) }
    }

    private mutating func append(_ step: Step) {
        switch step {
        case .copy(let range): targetByteCount += range.count
        case .insert(let bytes): targetByteCount += bytes.count
        }
        steps.append(step)
    }

    /// The target. Throws ``CodecError`` if a run lies outside of `base`: it is not the one that the patch was made from.
    package func apply(to base: [UInt8]) throws(CodecError) -> [UInt8] {
        var target: [UInt8] = []
        target.reserveCapacity(targetByteCount)
        for step in steps {
            switch step {
            case .copy(let range):
                guard range.upperBound <= base.count else {
                    throw .malformed(offset: target.count, reason: "a run goes beyond the base's \(base.count) bytes")
                }
                target += base[range]
            case .insert(let bytes): target += bytes
            }
        }
        return target
    }

    /// Writes the steps to the end of `writer`; see docs/formats/signed-report.md.
    package func encode(to writer: inout ByteWriter) {
        writer.varint(UInt64(targetByteCount))
        var expected = 0
        for step in steps {
            switch step {
            case .copy(let range):
                writer.varint(UInt64(range.count) << 1)
                writer.signedVarint(Int64(range.lowerBound - expected))
                expected = range.upperBound
            case .insert(let bytes):
                writer.varint(UInt64(bytes.count) << 1 | 1)
                writer.bytes(bytes)
            }
        }
    }

    /// Reads the steps that make a target of at most `limit` bytes. Throws ``CodecError`` for any other bytes.
    package init(decoding reader: inout ByteReader, limit: Int) throws(CodecError) {
        let total = try reader.count(max: limit)
        var expected: Int64 = 0
        while targetByteCount < total {
            let head = try reader.varint(max: UInt64(total - targetByteCount) << 1 | 1)
            let count = Int(head >> 1)
            guard count > 0 else { throw reader.malformed("a step of no bytes") }
            if head & 1 == 1 {
                append(.insert(try reader.raw(count)))
                continue
            }
            let (from, isOver) = expected.addingReportingOverflow(try reader.signedVarint())
            guard !isOver, from >= 0, from <= Int64(limit) else { throw reader.malformed("a run from \(from)") }
            append(.copy(Int(from)..<Int(from) + count))
            expected = from + Int64(count)
        }
    }
}
