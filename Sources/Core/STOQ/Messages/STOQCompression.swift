import CZstd

/// zstd for whole messages, when it pays; bombs are refused.
package enum STOQCompression {
    /// Below this the frame's own bytes eat the gain.
    static let smallest = 512
    /// Of a large message this much is tried first: bytes that do not shrink there do not shrink.
    static let sampleByteCount = 16 << 10
    /// Level 1: the network is slower than level 1 and about as fast as level 3 on one core.
    private static let level: Int32 = 1
    /// Windows are at most 2^20 bytes (RFC 8878 lets a decoder limit them): a message is not larger.
    private static let windowLogLimit: Int32 = 20

    /// One zstd frame with its content size, or nil if that saves less than a tenth.
    package static func compress(_ message: [UInt8]) -> [UInt8]? {
        guard message.count >= smallest else { return nil }
        if message.count > 4 * sampleByteCount {
            let middle = message.count / 2
            guard shrink(Array(message[middle..<middle + sampleByteCount])) != nil else { return nil }
        }
        return shrink(message)
    }

    private static func shrink(_ bytes: [UInt8]) -> [UInt8]? {
        let room = bytes.count - bytes.count / 10
        let result = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            let size = bytes.withUnsafeBytes { ZSTD_compress(buffer.baseAddress, room, $0.baseAddress, $0.count, level) }
            count = ZSTD_isError(size) == 0 ? size : 0
        }
        return result.isEmpty ? nil : result
    }

    /// The message in `bytes`. Throws unless it is exactly one zstd frame that declares a size within the limit, with a
    /// window of at most 1 MiB and no dictionary.
    package static func decompress(_ bytes: UnsafeRawBufferPointer) throws(STOQViolation) -> [UInt8] {
        let declared = ZSTD_getFrameContentSize(bytes.baseAddress, bytes.count)
        // The two highest values are zstd's words for "unknown" and "no zstd frame".
        guard declared < UInt64.max - 1 else { throw .badCompression("it does not declare its size") }
        guard declared <= UInt64(STOQLimits.messageByteCount) else {
            throw .badCompression("it declares \(declared) bytes")
        }
        let frame = ZSTD_findFrameCompressedSize(bytes.baseAddress, bytes.count)
        guard ZSTD_isError(frame) == 0, frame == bytes.count else { throw .badCompression("it is not one zstd frame") }
        guard let context = ZSTD_createDCtx() else { throw .badCompression("out of memory") }
        defer { ZSTD_freeDCtx(context) }
        guard ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, windowLogLimit)) == 0 else {
            throw .badCompression("its window cannot be limited")
        }
        let size = Int(declared)
        let message = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let written = ZSTD_decompressDCtx(context, buffer.baseAddress, size, bytes.baseAddress, bytes.count)
            count = ZSTD_isError(written) == 0 ? written : 0
        }
        guard message.count == size else { throw .badCompression("its bytes do not decode to what it declares") }
        return message
    }
}
