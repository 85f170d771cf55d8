import CZstd

/// Why compressed bytes are refused.
package enum ZstdError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not a zstd frame, or a damaged one.
    case damaged
    /// The frame does not say how long its contents are, or says something else than the message.
    case wrongSize(declared: UInt64?, expected: Int)
    /// The frame wants a window above the limit.
    case windowTooLarge(bytes: UInt64)
    /// The frame wants a dictionary.
    case dictionary
    /// There is more than one frame.
    case severalFrames

    package var description: String {
        switch self {
        case .damaged: "the compressed bytes are damaged"
        case .wrongSize(let declared, let expected):
            "the compressed frame declares \(declared.map { "\($0)" } ?? "no size"), the message \(expected) bytes"
        case .windowTooLarge(let bytes): "the compressed frame wants a window of \(bytes) bytes"
        case .dictionary: "the compressed frame wants a dictionary"
        case .severalFrames: "more than one compressed frame"
        }
    }
}

/// zstd for single messages (RFC 8878). Each call has a context of its own: bytes of one peer never share a window
/// with those of another.
enum Zstd {
    /// The largest window that a receiver allows: 2^20 bytes.
    static let windowLimit: UInt64 = 1 << 20
    private static let windowLog: Int32 = 20
    /// Fast; what higher levels save is not worth their time on bytes that are sent once.
    private static let level: Int32 = 1

    /// `bytes` as one frame that declares its size; nil unless that is at most `limit` bytes.
    static func compress(_ bytes: UnsafeRawBufferPointer, limit: Int) -> [UInt8]? {
        guard limit > 0, let context = ZSTD_createCCtx() else { return nil }
        defer { ZSTD_freeCCtx(context) }
        let settings: [(ZSTD_cParameter, Int32)] = [
            (ZSTD_c_compressionLevel, level), (ZSTD_c_windowLog, windowLog), (ZSTD_c_contentSizeFlag, 1),
            (ZSTD_c_checksumFlag, 0), (ZSTD_c_dictIDFlag, 0),
        ]
        for (parameter, value) in settings where ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) != 0 {
            return nil
        }
        var isWorthIt = false
        let frame = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            let written = ZSTD_compress2(context, buffer.baseAddress, limit, bytes.baseAddress, bytes.count)
            isWorthIt = ZSTD_isError(written) == 0
            count = isWorthIt ? written : 0
        }
        return isWorthIt ? frame : nil
    }

    /// Checks the frame's header and extent before any byte is decompressed, then decompresses into `destination`,
    /// whose size is what the contents must have.
    static func decompress(
        _ frame: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer
    ) throws(ZstdError) {
        try checkHeader(frame, expected: destination.count)
        let extent = ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count)
        guard ZSTD_isError(extent) == 0 else { throw .damaged }
        guard extent == frame.count else { throw .severalFrames }
        guard let context = ZSTD_createDCtx() else { throw .damaged }
        defer { ZSTD_freeDCtx(context) }
        let written = ZSTD_decompressDCtx(
            context, destination.baseAddress, destination.count, frame.baseAddress, frame.count)
        guard ZSTD_isError(written) == 0, written == destination.count else { throw .damaged }
    }

    /// Reads the frame header (RFC 8878, 3.1.1.1): magic number, descriptor, window, dictionary, content size.
    private static func checkHeader(_ frame: UnsafeRawBufferPointer, expected: Int) throws(ZstdError) {
        guard frame.count >= 6,
            UInt32(littleEndian: frame.loadUnaligned(fromByteOffset: 0, as: UInt32.self)) == 0xFD2F_B528
        else { throw .damaged }
        let descriptor = frame[4]
        let isSingleSegment = descriptor & 0x20 != 0
        // Bit 3 is reserved.
        guard descriptor & 0x08 == 0 else { throw .damaged }
        guard descriptor & 0x03 == 0 else { throw .dictionary }
        if !isSingleSegment {
            let exponent = UInt64(frame[5] >> 3)
            let base = UInt64(1) << (10 + exponent)
            let window = base + base / 8 * UInt64(frame[5] & 7)
            guard window <= windowLimit else { throw .windowTooLarge(bytes: window) }
        }
        let size = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
        // The two largest values stand for "unknown" and "damaged".
        guard size < .max - 1 else { throw .wrongSize(declared: nil, expected: expected) }
        guard size == UInt64(expected) else { throw .wrongSize(declared: size, expected: expected) }
    }
}
