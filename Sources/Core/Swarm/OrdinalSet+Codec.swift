package import Content

/// The portable form of RoaringFormatSpec (https://github.com/RoaringBitmap/RoaringFormatSpec), as CRoaring writes it.
extension OrdinalSet {
    /// Begins a bitmap without runs; with the number of blocks in the next four bytes.
    private static let plainCookie: UInt32 = 12_346
    /// Begins a bitmap that has runs, in the low half; the number of blocks less one in the high half.
    private static let runCookie: UInt32 = 12_347
    /// From so many blocks on a bitmap with runs has offsets as well.
    private static let offsetThreshold = 4
    /// A block with more ordinals than this is a bitmap and no array.
    private static let arrayLimit = 4_096
    private static let bitmapBytes = 8_192

    /// The blocks as they are written.
    private enum Form {
        case array([UInt16]), bitmap, runs([Range<Int>])

        var byteCount: Int {
            switch self {
            case .array(let values): 2 * values.count
            case .bitmap: OrdinalSet.bitmapBytes
            case .runs(let runs): 2 + 4 * runs.count
            }
        }
    }

    /// The bytes; equal sets have equal bytes.
    package func encode() -> [UInt8] {
        let forms = blocks.map(Self.form)
        var writer = ByteWriter(capacity: 8 + forms.reduce(0) { $0 + $1.byteCount + 8 })
        let hasRuns = forms.contains { if case .runs = $0 { true } else { false } }
        if hasRuns {
            writer.u32(Self.runCookie | UInt32(blocks.count - 1) << 16)
            var flags = [UInt8](repeating: 0, count: (blocks.count + 7) / 8)
            for (index, form) in forms.enumerated() {
                if case .runs = form { flags[index / 8] |= 1 << UInt8(index % 8) }
            }
            writer.bytes(flags)
        } else {
            writer.u32(Self.plainCookie)
            writer.u32(UInt32(blocks.count))
        }
        for block in blocks {
            writer.u16(block.key)
            writer.u16(UInt16(block.count - 1))
        }
        if !hasRuns || blocks.count >= Self.offsetThreshold {
            var offset = writer.count + 4 * blocks.count
            for form in forms {
                writer.u32(UInt32(offset))
                offset += form.byteCount
            }
        }
        for (block, form) in zip(blocks, forms) { Self.write(block, form, &writer) }
        return writer.bytes
    }

    private static func form(_ block: Block) -> Form {
        let runs = runs(of: block)
        let count = block.count
        let plain = count > arrayLimit ? bitmapBytes : 2 * count
        if 2 + 4 * runs.count < plain { return .runs(runs) }
        return count > arrayLimit ? .bitmap : .array(runs.flatMap { $0.map { UInt16($0) } })
    }

    private static func write(_ block: Block, _ form: Form, _ writer: inout ByteWriter) {
        switch form {
        case .array(let values): for value in values { writer.u16(value) }
        case .bitmap: for word in block.words { writer.u64(word) }
        case .runs(let runs):
            writer.u16(UInt16(runs.count))
            for run in runs {
                writer.u16(UInt16(run.lowerBound))
                writer.u16(UInt16(run.count - 1))
            }
        }
    }

    /// Reads a bitmap of ordinals below `limit`; any other bytes, and more than a set below `limit` can have, are refused.
    /// Offsets are skipped: blocks follow one another. `limit` is at most ``ordinalCeiling``. Throws `CodecError`.
    package init(decoding bytes: [UInt8], limit: UInt32) throws(CodecError) {
        precondition(limit <= Self.ordinalCeiling, "ordinals below \(limit)")
        var reader = ByteReader(bytes)
        self = try Self.decode(&reader, limit: limit)
        try reader.expectEnd()
    }

    private static func decode(_ reader: inout ByteReader, limit: UInt32) throws(CodecError) -> OrdinalSet {
        let cookie = try reader.u32()
        let most = limit == 0 ? 0 : Int((limit - 1) >> 16) + 1
        let count: Int
        var flags: [UInt8] = []
        if cookie & 0xFFFF == runCookie {
            count = Int(cookie >> 16) + 1
        } else {
            guard cookie == plainCookie else { throw reader.malformed("a bitmap that begins with \(cookie)") }
            count = Int(try reader.u32())
        }
        guard count <= most else {
            throw .valueTooLarge(offset: reader.offset, value: UInt64(count), limit: UInt64(most))
        }
        let hasRuns = cookie != plainCookie
        if hasRuns { flags = try reader.raw((count + 7) / 8) }
        var heads: [(key: UInt16, count: Int)] = []
        for _ in 0..<count {
            let head = (key: try reader.u16(), count: Int(try reader.u16()) + 1)
            guard UInt32(head.key) << 16 < limit else { throw reader.malformed("a block beyond \(limit)") }
            if let last = heads.last, last.key >= head.key { throw reader.malformed("blocks are not in order") }
            heads.append(head)
        }
        if !hasRuns || count >= offsetThreshold { _ = try reader.slice(4 * count) }
        var blocks: [Block] = []
        for (index, head) in heads.enumerated() {
            let isRuns = hasRuns && flags[index / 8] & (1 << UInt8(index % 8)) != 0
            blocks.append(try block(head.key, head.count, isRuns: isRuns, &reader))
        }
        let set = OrdinalSet(blocks: blocks)
        if let last = set.ranges.last, last.upperBound > limit {
            throw .valueTooLarge(offset: reader.offset, value: UInt64(last.upperBound), limit: UInt64(limit))
        }
        return set
    }

    private static func block(
        _ key: UInt16, _ count: Int, isRuns: Bool, _ reader: inout ByteReader
    ) throws(CodecError) -> Block {
        var block = Block(key: key)
        if isRuns {
            var next = 0
            for _ in 0..<Int(try reader.u16()) {
                let first = Int(try reader.u16())
                let end = first + Int(try reader.u16()) + 1
                guard first >= next, end <= 1 << 16 else { throw reader.malformed("runs that are not in order") }
                for bit in first..<end { block.words[bit >> 6] |= 1 << UInt64(bit & 63) }
                next = end
            }
        } else if count > arrayLimit {
            for word in 0..<wordCount { block.words[word] = try reader.u64() }
        } else {
            var next = 0
            for _ in 0..<count {
                let bit = Int(try reader.u16())
                guard bit >= next else { throw reader.malformed("values that are not in order") }
                block.words[bit >> 6] |= 1 << UInt64(bit & 63)
                next = bit + 1
            }
        }
        guard block.count == count else {
            throw reader.malformed("a block of \(block.count) ordinals that says \(count)")
        }
        return block
    }
}
