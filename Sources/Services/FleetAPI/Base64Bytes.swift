import FoundationEssentials

/// Bytes that stand as base64 text in JSON.
package struct Base64Bytes: Hashable, Sendable, Codable {
    /// The bytes themselves.
    package var bytes: [UInt8]

    /// Wraps `bytes`.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads base64 text; throws `DecodingError.dataCorrupted` for anything else.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let decoded = Data(base64Encoded: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not base64")
        }
        bytes = [UInt8](decoded)
    }

    /// Writes base64 text on one line.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(bytes).base64EncodedString())
    }
}
