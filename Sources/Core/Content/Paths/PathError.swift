/// Why bytes are not a path inside a content set. Named for the rule that is broken.
package enum PathError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No bytes at all.
    case empty
    /// The path begins with a slash.
    case absolute
    /// The byte at `offset` is NUL.
    case containsNUL(offset: Int)
    /// Two slashes in a row, or a slash at the end, at `offset`.
    case emptyComponent(offset: Int)
    /// The component at `offset` is `.` or `..`.
    case dotComponent(offset: Int)
    /// The component at `offset` has `length` bytes; at most 255 are possible.
    case componentTooLong(offset: Int, length: Int)
    /// More than 128 components.
    case tooDeep(depth: Int)
    /// More than 4,095 bytes.
    case tooLong(length: Int)
    /// The first component is a name that Mirrorfleet keeps for itself.
    case reservedName(String)
    /// A single component with a slash in it.
    case slashInComponent(offset: Int)

    package var description: String {
        switch self {
        case .empty: "the path is empty"
        case .absolute: "the path begins with a slash; paths are relative to the root of the set"
        case .containsNUL(let offset): "the path has a NUL byte at offset \(offset)"
        case .emptyComponent(let offset): "the path has an empty component at offset \(offset)"
        case .dotComponent(let offset): "the path has the component . or .. at offset \(offset)"
        case .componentTooLong(let offset, let length):
            "the component at offset \(offset) has \(length) bytes, more than \(RelativePath.maximumComponentByteCount)"
        case .tooDeep(let depth): "the path has \(depth) components, more than \(RelativePath.maximumDepth)"
        case .tooLong(let length): "the path has \(length) bytes, more than \(RelativePath.maximumByteCount)"
        case .reservedName(let name): "the name \(name) at the top of a set is reserved; rename it in the source tree"
        case .slashInComponent(let offset): "the name has a slash at offset \(offset)"
        }
    }
}
