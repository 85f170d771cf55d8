import CFastCDC
import Hashing

/// Content-defined chunking: cuts a blob where a rolling hash of its last 64 bytes is small, so that equal stretches
/// of two blobs become equal chunks wherever they lie.
///
/// After W. Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data Deduplication"
/// (USENIX ATC 2016), with thresholds in the place of masks; docs/formats/chunking.md has all of it. A boundary is a
/// function of the bytes of the blob alone: not of how they were read.
package struct FastCDC: Sendable {
    package let profile: ChunkProfile
    private let native: cfastcdc_profile
    private let kernel: cfastcdc_kernel

    /// How bytes are looked at; the boundaries are the same. Only tests and benchmarks choose one.
    package enum Kernel: String, CaseIterable, Sendable {
        case streams, gathers

        /// Those that this build and this processor can run; `streams` always.
        package static var available: [Kernel] { allCases.filter { cfastcdc_is_available($0.number) != 0 } }

        /// The fastest of `available`.
        package static let best: Kernel = cfastcdc_best_kernel() == CFASTCDC_GATHERS ? .gathers : .streams

        fileprivate var number: cfastcdc_kernel {
            switch self {
            case .streams: CFASTCDC_STREAMS
            case .gathers: CFASTCDC_GATHERS
            }
        }
    }

    /// `kernel` has to be one of `Kernel.available`.
    package init(profile: ChunkProfile, kernel: Kernel = .best) {
        self.profile = profile
        self.kernel = kernel.number
        // A cut has the probability threshold / 2^64: a quarter of 1 / average up to the average, then four times it.
        let before = (UInt64(1) << 62) / UInt64(profile.average)
        native = cfastcdc_profile(
            minimum: profile.minimum, average: profile.average, maximum: profile.maximum,
            before: before, after: before * 16)
    }

    /// Length of the next chunk, which begins where `window` begins.
    ///
    /// `isLast` says that the blob ends where the window ends. nil: more bytes are needed, which never happens to a
    /// window of `profile.maximum` bytes; call again with a longer window that begins at the same byte. Every call
    /// scans from the start of the window, so let it grow to the maximum at once. An empty last window has no chunk:
    /// nil too.
    package func nextBoundary(_ window: UnsafeRawBufferPointer, isLast: Bool) -> Int? {
        if window.count <= profile.minimum { return isLast && window.count > 0 ? window.count : nil }
        let length = Self.gear.withUnsafeBufferPointer { gear in
            window.withMemoryRebound(to: UInt8.self) { bytes in
                guard let gear = gear.baseAddress, let first = bytes.baseAddress else { return 0 }
                return withUnsafePointer(to: native) { cfastcdc_boundary(kernel, $0, gear, first, bytes.count) }
            }
        }
        return length > 0 ? length : isLast ? window.count : nil
    }

    /// Lengths of all chunks of a whole blob; none for an empty one.
    package func boundaries(_ blob: UnsafeRawBufferPointer) -> [Int] {
        var lengths: [Int] = []
        lengths.reserveCapacity(blob.count / profile.average + 1)
        var rest = blob[...]
        while let length = nextBoundary(UnsafeRawBufferPointer(rebasing: rest), isLast: true) {
            lengths.append(length)
            rest = rest.dropFirst(length)
        }
        return lengths
    }

    /// Lengths of all chunks of a whole blob; none for an empty one.
    package func boundaries(_ blob: [UInt8]) -> [Int] {
        blob.withUnsafeBytes { boundaries($0) }
    }

    /// A random number for each value of a byte: 2,048 bytes of extended output of an empty input, as little-endian
    /// words.
    package static let gear: [UInt64] = {
        let hasher = BLAKE3.Hasher(derivingWith: BLAKE3Context("mirrorfleet v1 gear table"))
        let bytes = hasher.extendedOutput(256 * 8)
        return bytes.withUnsafeBytes { bytes in
            (0..<256).map { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)) }
        }
    }()
}
