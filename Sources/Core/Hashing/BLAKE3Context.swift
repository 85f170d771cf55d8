/// BLAKE3 in its key derivation mode under a fixed context string: equal bytes under two contexts have unrelated
/// digests. The key of the context is computed once, here.
///
/// docs/formats/digests.md lists every context of the project.
package struct BLAKE3Context: Sendable {
    let mode: BLAKE3Mode

    /// `context` is hard-coded, unique in the world and never made from input (specification, section 2.3).
    package init(_ context: StaticString) {
        mode = BLAKE3Mode(derivingWith: context)
    }

    /// The digest of `bytes` under this context.
    package func hash(_ bytes: UnsafeRawBufferPointer) -> BLAKE3Digest {
        mode.hash(bytes, kernel: .best)
    }

    /// The digest of `bytes` under this context.
    package func hash(_ bytes: [UInt8]) -> BLAKE3Digest {
        bytes.withUnsafeBytes { hash($0) }
    }

    /// The digest of `bytes` under this context.
    package func hash(_ bytes: RawSpan) -> BLAKE3Digest {
        bytes.withUnsafeBytes { hash($0) }
    }

    /// The digests of all `buffers`, in their order, computed side by side as by `BLAKE3.hashMany`.
    package func hashMany(_ buffers: [UnsafeRawBufferPointer]) -> [BLAKE3Digest] {
        mode.hashMany(buffers, kernel: .best)
    }
}
