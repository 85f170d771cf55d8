import CBLAKE3

/// Which of BLAKE3's three functions is computed: hash, keyed hash, or key derivation under a context.
package struct BLAKE3Mode: Sendable {
    let mode: cblake3_mode

    /// The plain hash.
    package init() {
        mode = cblake3_mode_hash()
    }

    /// The keyed hash; throws unless the key has 32 bytes.
    package init(key: [UInt8]) throws(BLAKE3KeyError) {
        guard key.count == CBLAKE3_KEY_BYTES else { throw BLAKE3KeyError(byteCount: key.count) }
        mode = key.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return cblake3_mode_hash() }
            return cblake3_mode_keyed(base)
        }
    }

    /// Key derivation under `context`, whose key is computed here.
    package init(derivingWith context: StaticString) {
        mode = cblake3_mode_derive(context.utf8Start, context.utf8CodeUnitCount)
    }

    /// The digest of `bytes`. `kernel` has to be one of `BLAKE3.Kernel.available`.
    package func hash(_ bytes: UnsafeRawBufferPointer, kernel: BLAKE3.Kernel) -> BLAKE3Digest {
        withUnsafePointer(to: mode) { mode in
            bytes.withMemoryRebound(to: UInt8.self) { bytes in
                BLAKE3Digest { cblake3_hash(kernel.number, mode, bytes.baseAddress, bytes.count, $0) }
            }
        }
    }

    /// The digests of all `buffers`, in their order. `kernel` has to be one of `BLAKE3.Kernel.available`.
    package func hashMany(_ buffers: [UnsafeRawBufferPointer], kernel: BLAKE3.Kernel) -> [BLAKE3Digest] {
        // An array made with no capacity is the one that all empty arrays share, and setting its count is a write to it.
        guard !buffers.isEmpty else { return [] }
        let inputs = buffers.map { $0.baseAddress?.assumingMemoryBound(to: UInt8.self) }
        let lengths = buffers.map(\.count)
        return [BLAKE3Digest](unsafeUninitializedCapacity: buffers.count) { digests, count in
            count = buffers.count
            guard let out = UnsafeMutableRawPointer(digests.baseAddress) else { return }
            withUnsafePointer(to: mode) { mode in
                inputs.withUnsafeBufferPointer { inputs in
                    lengths.withUnsafeBufferPointer { lengths in
                        guard let inputs = inputs.baseAddress, let lengths = lengths.baseAddress else { return }
                        // A digest is its 32 bytes and nothing else.
                        cblake3_hash_many(
                            kernel.number, mode, inputs, lengths, count, out.assumingMemoryBound(to: UInt8.self))
                    }
                }
            }
        }
    }
}
