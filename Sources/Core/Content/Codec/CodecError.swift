/// Why bytes are not the one valid encoding of a value.
///
/// Every decoder of the project ends in a value or in one of these: input never traps. Offsets count bytes from the
/// start of the buffer that the reader was made over.
package enum CodecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The input ends `missing` bytes too early for the field at `offset`.
    case truncated(offset: Int, missing: Int)
    /// The varint at `offset` has a shorter encoding, or more bits than a 64-bit number.
    case nonCanonicalVarint(offset: Int)
    /// The number or length at `offset` is above the limit of its field.
    case valueTooLarge(offset: Int, value: UInt64, limit: UInt64)
    /// `count` bytes are left over at `offset`, where the value ends.
    case trailingBytes(offset: Int, count: Int)
    /// A format version that this program does not know.
    case unsupportedVersion(format: String, version: UInt64)
    /// The bytes at `offset` break another rule of the format, in words.
    case malformed(offset: Int, reason: String)

    package var description: String {
        switch self {
        case .truncated(let offset, let missing):
            "the input ends \(missing) bytes too early at offset \(offset)"
        case .nonCanonicalVarint(let offset):
            "the varint at offset \(offset) is not the shortest encoding of a 64-bit number"
        case .valueTooLarge(let offset, let value, let limit):
            "the value \(value) at offset \(offset) is above the limit of \(limit)"
        case .trailingBytes(let offset, let count):
            "\(count) bytes are left over after the end of the value at offset \(offset)"
        case .unsupportedVersion(let format, let version):
            "version \(version) of the format \(format) is not known to this program"
        case .malformed(let offset, let reason):
            "\(reason) at offset \(offset)"
        }
    }
}
