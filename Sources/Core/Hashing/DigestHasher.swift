import Crypto

/// Incremental hashing with any algorithm. A value type: a copy goes on by itself.
package struct DigestHasher: Sendable {
    package let algorithm: HashAlgorithm
    private var state: State

    private enum State {
        case blake3(BLAKE3.Hasher)
        case sha256(SHA256)
        case sha512(SHA512)
        case sha3_256(SHA3_256)
        case xxh3_128(XXH3Hasher)
        /// While `update` holds the hasher alone, so that adding bytes does not copy it.
        case taken
    }

    package init(_ algorithm: HashAlgorithm) {
        self.algorithm = algorithm
        state =
            switch algorithm {
            case .blake3: .blake3(BLAKE3.Hasher())
            case .sha256: .sha256(SHA256())
            case .sha512: .sha512(SHA512())
            case .sha3_256: .sha3_256(SHA3_256())
            case .xxh3_128: .xxh3_128(XXH3Hasher())
            }
    }

    /// Adds bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let held = state
        state = .taken
        switch consume held {
        case .blake3(var hasher):
            hasher.update(bytes)
            state = .blake3(hasher)
        case .sha256(var hasher):
            hasher.update(bufferPointer: bytes)
            state = .sha256(hasher)
        case .sha512(var hasher):
            hasher.update(bufferPointer: bytes)
            state = .sha512(hasher)
        case .sha3_256(var hasher):
            hasher.update(bufferPointer: bytes)
            state = .sha3_256(hasher)
        case .xxh3_128(var hasher):
            hasher.update(bytes)
            state = .xxh3_128(hasher)
        case .taken:
            preconditionFailure("a hasher is not taken between two calls")
        }
    }

    /// Adds bytes.
    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of all bytes so far. More may be added afterwards.
    package func finalize() -> Digest {
        let bytes: [UInt8] =
            switch state {
            case .blake3(let hasher): hasher.finalize().bytes
            case .sha256(let hasher): Array(hasher.finalize())
            case .sha512(let hasher): Array(hasher.finalize())
            case .sha3_256(let hasher): Array(hasher.finalize())
            case .xxh3_128(let hasher): hasher.finalize()
            case .taken: preconditionFailure("a hasher is not taken between two calls")
            }
        return Digest(algorithm, exactly: bytes)
    }
}

extension Digest {
    /// The digest of a whole buffer.
    package static func hash(_ algorithm: HashAlgorithm, _ bytes: UnsafeRawBufferPointer) -> Digest {
        var hasher = DigestHasher(algorithm)
        hasher.update(bytes)
        return hasher.finalize()
    }

    /// The digest of a whole buffer.
    package static func hash(_ algorithm: HashAlgorithm, _ bytes: [UInt8]) -> Digest {
        bytes.withUnsafeBytes { hash(algorithm, $0) }
    }
}
