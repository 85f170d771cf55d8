import CBLAKE3

/// BLAKE3 in its plain mode: whole buffers, many buffers at once, and with a key.
///
/// All kernels give the same digests; the fastest that the processor has is chosen once. No function allocates more
/// than its result, and all may be called from any thread.
package enum BLAKE3 {
    /// The digest of `bytes`.
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> BLAKE3Digest {
        plain.hash(bytes, kernel: .best)
    }

    /// The digest of `bytes`.
    package static func hash(_ bytes: [UInt8]) -> BLAKE3Digest {
        bytes.withUnsafeBytes { hash($0) }
    }

    /// The digest of `bytes`.
    package static func hash(_ bytes: RawSpan) -> BLAKE3Digest {
        bytes.withUnsafeBytes { hash($0) }
    }

    /// The digest of `bytes` under a key of 32 bytes, a message authentication code.
    /// - Throws: `BLAKE3KeyError` for a key of another length.
    package static func keyedHash(key: [UInt8], _ bytes: [UInt8]) throws(BLAKE3KeyError) -> BLAKE3Digest {
        let mode = try BLAKE3Mode(key: key)
        return bytes.withUnsafeBytes { mode.hash($0, kernel: .best) }
    }

    /// The digests of all `buffers`, in their order, each the same as `hash` gives.
    ///
    /// The chunks of all buffers share the processor's lanes, so many small buffers are hashed several times faster
    /// than one by one. Buffers of any and of different lengths may be mixed; for one large buffer it costs nothing.
    package static func hashMany(_ buffers: [UnsafeRawBufferPointer]) -> [BLAKE3Digest] {
        plain.hashMany(buffers, kernel: .best)
    }

    /// The name of the kernel in use on this processor, e.g. `avx512`.
    package static var kernelName: String { Kernel.best.rawValue }

    static let plain = BLAKE3Mode()
}

/// A key that is not of 32 bytes.
package struct BLAKE3KeyError: Error, Hashable, CustomStringConvertible {
    /// The bytes that the refused key has.
    package let byteCount: Int

    package var description: String { "a BLAKE3 key has 32 bytes, not \(byteCount)" }
}
