package import Hashing

/// Why the fields of a manifest entry do not fit together.
package enum EntryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A file without the digest of its bytes.
    case missingBlob
    /// A field that this type of entry does not have.
    case fieldNotOfType(field: String, type: EntryType)
    /// A file with no bytes has no chunks and so no chunk list.
    case chunkListOfEmptyFile
    /// More bytes than a file can have.
    case sizeTooLarge(UInt64)
    /// A link target of no bytes, or of more than 4,095.
    case linkTargetLength(Int)
    /// A link target with a NUL byte.
    case linkTargetContainsNUL(offset: Int)
    /// The further digests are not strictly ascending by algorithm.
    case digestOrder(HashAlgorithm)
    /// BLAKE3 is the blob digest already.
    case digestRepeatsBlob

    package var description: String {
        switch self {
        case .missingBlob: "a file has no blob digest"
        case .fieldNotOfType(let field, let type): "a \(type) cannot have the field \(field)"
        case .chunkListOfEmptyFile: "an empty file has a chunk list"
        case .sizeTooLarge(let size): "the size \(size) is above \(ManifestLimits.byteCount)"
        case .linkTargetLength(let length):
            "a link target has \(length) bytes, not 1 to \(ManifestLimits.linkTargetByteCount)"
        case .linkTargetContainsNUL(let offset): "a link target has a NUL byte at offset \(offset)"
        case .digestOrder(let algorithm): "the further digest \(algorithm) is out of order or there twice"
        case .digestRepeatsBlob: "blake3 is among the further digests, although the blob digest is one"
        }
    }
}
