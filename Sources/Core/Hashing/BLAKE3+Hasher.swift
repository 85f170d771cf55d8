import CBLAKE3

extension BLAKE3 {
    /// Incremental hashing: the digest depends on the bytes, never on how they were split over `update` calls.
    ///
    /// Parts of 16 KiB and more keep all lanes busy; the best is a power of two. A value type: a copy goes on by
    /// itself. For a buffer that is whole, `BLAKE3.hash` is faster.
    package struct Hasher: Sendable {
        private var state: State

        /// Starts a plain hash.
        package init() {
            self.init(mode: plain, kernel: .best)
        }

        /// Starts a hash under `context`.
        package init(derivingWith context: BLAKE3Context) {
            self.init(mode: context.mode, kernel: .best)
        }

        /// Starts a hash in any mode, with a kernel that has to be one of `Kernel.available`.
        package init(mode: BLAKE3Mode, kernel: Kernel) {
            state = State(mode.mode, kernel.number)
        }

        /// Adds bytes.
        package mutating func update(_ bytes: UnsafeRawBufferPointer) {
            if !isKnownUniquelyReferenced(&state) { state = State(copying: state) }
            bytes.withMemoryRebound(to: UInt8.self) {
                cblake3_hasher_update(state.hasher, $0.baseAddress, $0.count)
            }
        }

        /// Adds bytes.
        package mutating func update(_ bytes: [UInt8]) {
            bytes.withUnsafeBytes { update($0) }
        }

        /// The digest of all bytes so far. More may be added afterwards.
        package func finalize() -> BLAKE3Digest {
            BLAKE3Digest { cblake3_hasher_finish(state.hasher, $0, BLAKE3Digest.byteCount) }
        }

        /// `count` bytes of BLAKE3's extended output, which begins with the digest. More may be added afterwards.
        package func extendedOutput(_ count: Int) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
                if let base = bytes.baseAddress { cblake3_hasher_finish(state.hasher, base, count) }
                initialized = count
            }
        }
    }

    // Sendable: changed only by `Hasher.update`, and there only when nobody else has a reference.
    private final class State: @unchecked Sendable {
        let hasher: UnsafeMutablePointer<cblake3_hasher>

        init(_ mode: cblake3_mode, _ kernel: cblake3_kernel) {
            hasher = .allocate(capacity: 1)
            withUnsafePointer(to: mode) { cblake3_hasher_start(hasher, kernel, $0) }
        }

        init(copying other: State) {
            hasher = .allocate(capacity: 1)
            UnsafeMutableRawPointer(hasher).copyMemory(
                from: other.hasher, byteCount: MemoryLayout<cblake3_hasher>.size)
        }

        deinit {
            hasher.deallocate()
        }
    }
}
