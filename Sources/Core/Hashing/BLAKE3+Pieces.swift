import CBLAKE3

extension BLAKE3 {
    /// Hashing an input whose parts become known in any order: it is divided into pieces of ``pieceByteCount`` bytes,
    /// each is hashed by itself, by any thread, and the values are joined to the digest that ``hash(_:)`` gives.
    ///
    /// The input as a whole is needed at no time, so what is written in pieces has not to be read again.
    package struct Pieces: Sendable {
        /// Bytes of every piece but the last, which has at least one.
        package static let pieceByteCount = Int(CBLAKE3_PIECE_BYTES)

        /// Bytes of the whole input.
        package let byteCount: UInt64
        /// How many pieces it has; an empty input has none.
        package let count: Int
        private var values: [BLAKE3Digest?]

        /// For an input of `byteCount` bytes. Throws nothing, but wants memory: 33 bytes a piece.
        package init(byteCount: UInt64) {
            self.byteCount = byteCount
            let size = UInt64(Self.pieceByteCount)
            count = Int(byteCount / size + (byteCount % size == 0 ? 0 : 1))
            values = Array(repeating: nil, count: count)
        }

        /// Bytes of the piece with index `piece`.
        package func length(of piece: Int) -> Int {
            Int(min(UInt64(Self.pieceByteCount), byteCount - UInt64(piece) * UInt64(Self.pieceByteCount)))
        }

        /// The value of a piece, which has exactly its length of bytes; for ``set(_:of:)``. It is the digest of the
        /// bytes only where the input has one piece.
        package func value(of piece: Int, _ bytes: UnsafeRawBufferPointer) -> BLAKE3Digest {
            precondition(bytes.count == length(of: piece), "\(bytes.count) bytes for a piece of \(length(of: piece))")
            guard count > 1 else { return BLAKE3.hash(bytes) }
            return withUnsafePointer(to: BLAKE3.plain.mode) { mode in
                bytes.withMemoryRebound(to: UInt8.self) { bytes in
                    guard let base = bytes.baseAddress else { preconditionFailure("a piece without bytes") }
                    return BLAKE3Digest {
                        cblake3_hash_piece(Kernel.best.number, mode, base, bytes.count, UInt64(piece), $0)
                    }
                }
            }
        }

        /// Takes the value of a piece.
        package mutating func set(_ value: BLAKE3Digest, of piece: Int) { values[piece] = value }

        /// Forgets the value of a piece whose bytes have changed.
        package mutating func forget(_ piece: Int) { values[piece] = nil }

        /// Whether the value of a piece is there.
        package func isKnown(_ piece: Int) -> Bool { values[piece] != nil }

        /// The first piece whose value is not there yet; nil when ``digest`` can be asked for.
        package var firstMissing: Int? { values.firstIndex(of: nil) }

        /// The digest of the whole input. Every piece must have its value.
        package var digest: BLAKE3Digest {
            let known = values.compactMap { $0 }
            precondition(known.count == count, "\(count - known.count) pieces have no value")
            guard count > 1 else { return known.first ?? BLAKE3.hash([]) }
            return known.withUnsafeBytes { bytes in
                bytes.withMemoryRebound(to: UInt8.self) { bytes in
                    withUnsafePointer(to: BLAKE3.plain.mode) { mode in
                        guard let base = bytes.baseAddress else { preconditionFailure("no values") }
                        return BLAKE3Digest { cblake3_join_pieces(mode, base, count, $0) }
                    }
                }
            }
        }
    }
}
