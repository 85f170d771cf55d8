import CBLAKE3

extension BLAKE3 {
    /// The instructions that compress. Only tests and benchmarks choose one.
    package enum Kernel: String, CaseIterable, Sendable {
        case portable, sse41, avx2, avx512, neon

        /// Those that this build and this processor can run; `portable` always.
        package static var available: [Kernel] {
            allCases.filter { cblake3_is_available($0.number) != 0 }
        }

        /// The fastest of `available`.
        package static var best: Kernel {
            switch cblake3_best_kernel() {
            case CBLAKE3_SSE41: .sse41
            case CBLAKE3_AVX2: .avx2
            case CBLAKE3_AVX512: .avx512
            case CBLAKE3_NEON: .neon
            default: .portable
            }
        }

        var number: cblake3_kernel {
            switch self {
            case .portable: CBLAKE3_PORTABLE
            case .sse41: CBLAKE3_SSE41
            case .avx2: CBLAKE3_AVX2
            case .avx512: CBLAKE3_AVX512
            case .neon: CBLAKE3_NEON
            }
        }
    }

    /// The same as `hash(_:)`, with a kernel that has to be one of `Kernel.available`.
    package static func hash(_ bytes: UnsafeRawBufferPointer, kernel: Kernel) -> BLAKE3Digest {
        plain.hash(bytes, kernel: kernel)
    }

    /// The same as `hashMany(_:)`, with a kernel that has to be one of `Kernel.available`.
    package static func hashMany(_ buffers: [UnsafeRawBufferPointer], kernel: Kernel) -> [BLAKE3Digest] {
        plain.hashMany(buffers, kernel: kernel)
    }
}
