import CXXHash

/// XXH3 with 128 bits by libxxhash, without a seed. Digests are in the canonical (big-endian) byte order, so they read
/// like the output of `xxhsum -H2`.
struct XXH3Hasher: Sendable {
    private var state = State()

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        if !isKnownUniquelyReferenced(&state) { state = State(copying: state) }
        guard bytes.count > 0 else { return }
        XXH3_128bits_update(state.pointer, bytes.baseAddress, bytes.count)
    }

    func finalize() -> [UInt8] {
        var canonical = XXH128_canonical_t()
        XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state.pointer))
        return withUnsafeBytes(of: canonical) { Array($0) }
    }

    // Sendable: changed only by `update`, and there only when nobody else has a reference.
    private final class State: @unchecked Sendable {
        let pointer: OpaquePointer

        init() {
            guard let pointer = XXH3_createState() else { preconditionFailure("no memory for a hasher of 576 bytes") }
            self.pointer = pointer
            XXH3_128bits_reset(pointer)
        }

        init(copying other: State) {
            guard let pointer = XXH3_createState() else { preconditionFailure("no memory for a hasher of 576 bytes") }
            self.pointer = pointer
            XXH3_copyState(pointer, other.pointer)
        }

        deinit {
            XXH3_freeState(pointer)
        }
    }
}
