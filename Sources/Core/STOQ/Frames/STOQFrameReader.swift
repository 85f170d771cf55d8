/// Cuts a stream of bytes into frames, however the bytes arrive.
///
/// Payload of data frames is handed out in pieces as it comes, so that it is copied once, by whoever keeps it; that of
/// other frames is collected, at most ``STOQLimits/helloByteCount`` bytes.
package struct STOQFrameReader: Sendable {
    /// What comes out, in this order for each frame.
    package enum Piece {
        /// A data frame begins.
        case dataBegins(STOQFrameHeader)
        /// Bytes of the data frame that began.
        case dataBytes(UnsafeRawBufferPointer)
        /// The data frame that began is complete.
        case dataEnds
        /// A whole frame of another type.
        case control(STOQFrameHeader, [UInt8])
    }

    private var partialHeader: [UInt8] = []
    private var header: STOQFrameHeader?
    private var missing = 0
    private var payload: [UInt8] = []

    package init() {}

    /// Takes the next bytes; calls `piece` for each part of a frame that they complete. Throws what a header breaks, or
    /// what `piece` throws; the reader is of no use afterwards.
    package mutating func read(
        _ bytes: UnsafeRawBufferPointer, _ piece: (Piece) throws(STOQViolation) -> Void
    ) throws(STOQViolation) {
        var rest = bytes
        while true {
            guard let current = header else {
                guard !rest.isEmpty else { return }
                guard let next = try takeHeader(&rest) else { return }
                try begin(next, piece)
                continue
            }
            let count = min(missing, rest.count)
            if count > 0 {
                let part = UnsafeRawBufferPointer(rebasing: rest[..<count])
                if current.type == STOQFrameHeader.FrameType.data {
                    try piece(.dataBytes(part))
                } else {
                    payload.append(contentsOf: part)
                }
                missing -= count
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
            guard missing == 0 else { return }
            header = nil
            if current.type == STOQFrameHeader.FrameType.data {
                try piece(.dataEnds)
            } else {
                let whole = payload
                payload = []
                try piece(.control(current, whole))
            }
        }
    }

    private mutating func begin(
        _ next: STOQFrameHeader, _ piece: (Piece) throws(STOQViolation) -> Void
    ) throws(STOQViolation) {
        if next.type == STOQFrameHeader.FrameType.data {
            try piece(.dataBegins(next))
        } else if next.length > STOQLimits.helloByteCount {
            throw .oversizedFrame(UInt32(next.length))
        }
        header = next
        missing = next.length
    }

    private mutating func takeHeader(_ rest: inout UnsafeRawBufferPointer) throws(STOQViolation) -> STOQFrameHeader? {
        if partialHeader.isEmpty, rest.count >= STOQFrameHeader.byteCount {
            let header = try STOQFrameHeader(decoding: rest)
            rest = UnsafeRawBufferPointer(rebasing: rest[STOQFrameHeader.byteCount...])
            return header
        }
        let count = min(STOQFrameHeader.byteCount - partialHeader.count, rest.count)
        partialHeader.append(contentsOf: rest[..<count])
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        guard partialHeader.count == STOQFrameHeader.byteCount else { return nil }
        let collected = partialHeader
        partialHeader = []
        return try Self.decode(collected)
    }

    private static func decode(_ bytes: [UInt8]) throws(STOQViolation) -> STOQFrameHeader {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(STOQViolation) in try STOQFrameHeader(decoding: buffer) }
        }
        return try result.get()
    }
}
