/// How much of a mirror's disk a plan must leave free.
///
/// Written to JSON as text: `5%`, or a number of bytes and `B`.
package enum DiskReserve: Sendable, Hashable, CustomStringConvertible {
    /// A number of bytes.
    case bytes(UInt64)
    /// A part of the whole in percent; fleet.yaml takes up to 90 of a disk.
    case percent(UInt64)

    /// 64 MiB, what the databases of a mirror may grow by during a sync, but not more than 1 % of a small disk.
    package static let defaultByteLimit: UInt64 = 64 << 20

    /// The bytes to leave free on a disk of `totalBytes`.
    package func bytes(ofDisk totalBytes: UInt64) -> UInt64 {
        switch self {
        case .bytes(let bytes): bytes
        case .percent(let percent): totalBytes / 100 * min(percent, 100) + totalBytes % 100 * min(percent, 100) / 100
        }
    }

    /// The bytes to leave free on a disk of `totalBytes` when fleet.yaml does not say.
    package static func defaultBytes(ofDisk totalBytes: UInt64) -> UInt64 { min(defaultByteLimit, totalBytes / 100) }

    /// `5%` or `1000B`.
    package var description: String {
        switch self {
        case .bytes(let bytes): "\(bytes)B"
        case .percent(let percent): "\(percent)%"
        }
    }
}

extension DiskReserve: Codable {
    /// Reads the text.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let last = text.last, let number = UInt64(text.dropLast()) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a reserve: \(text)")
        }
        switch last {
        case "%" where number <= 100: self = .percent(number)
        case "B": self = .bytes(number)
        default: throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a reserve: \(text)")
        }
    }

    /// Writes the text.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
