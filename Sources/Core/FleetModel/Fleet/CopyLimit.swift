/// How many bytes a release may have copied on a host for files that change in their time alone, where the file system
/// shares no blocks. Beyond it times are changed in place.
///
/// Written to JSON as a disk's reserve is: `5%`, or a number of bytes and `B`.
package struct CopyLimit: Codable, Sendable, Hashable {
    /// What fleet.yaml says when it does not say.
    package static let standard = CopyLimit(.percent(1))

    private let amount: DiskReserve

    /// A size, or a part of the whole set.
    package init(_ amount: DiskReserve) { self.amount = amount }

    /// The bytes that may be copied for a release of `bytes` bytes.
    package func bytes(ofSet bytes: UInt64) -> UInt64 { amount.bytes(ofDisk: bytes) }

    /// Reads the text.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws { amount = try DiskReserve(from: decoder) }

    /// Writes the text.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws { try amount.encode(to: encoder) }
}
