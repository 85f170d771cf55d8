/// The path of an entry inside a content set: bytes, not text, so composed and decomposed letters are two names and
/// invalid UTF-8 is as good as any. Ordered bytewise.
///
/// 1 to 4,095 bytes; components of 1 to 255 bytes, none `.` or `..`, at most 128; no NUL; the first component is none of
/// the names that a served tree's surroundings use (`.fleet`, `.store`, `.releases`).
package struct RelativePath: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// What the kernel takes (PATH_MAX less the terminating NUL).
    package static let maximumByteCount = 4_095
    /// What every Linux file system of interest takes (NAME_MAX).
    package static let maximumComponentByteCount = 255
    /// Bounds recursion over a tree and the number of open directories.
    package static let maximumDepth = 128
    /// Names that no entry at the top of a set may have.
    package static let reservedNames = [".fleet", ".releases", ".store"]

    /// The bytes, which keep all rules above.
    package let bytes: [UInt8]

    /// A path of these bytes, if they keep the rules.
    /// - Throws: `PathError` says which rule is broken.
    package init(_ bytes: [UInt8]) throws(PathError) {
        try Self.validate(bytes)
        self.bytes = bytes
    }

    /// A path of this text's UTF-8, if it keeps the rules.
    /// - Throws: `PathError` says which rule is broken.
    package init(_ string: String) throws(PathError) {
        try self.init(Array(string.utf8))
    }

    /// For bytes that are known to keep the rules.
    init(validated bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The names between the slashes, from the top.
    package var components: [ArraySlice<UInt8>] {
        bytes.split(separator: UInt8(ascii: "/"))
    }

    /// The number of components, 1 to 128.
    package var depth: Int {
        bytes.withUnsafeBufferPointer { $0.reduce(1) { $0 + ($1 == UInt8(ascii: "/") ? 1 : 0) } }
    }

    /// The name of the entry in its directory.
    package var lastComponent: ArraySlice<UInt8> {
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return bytes[...] }
        return bytes[(slash + 1)...]
    }

    /// The directory that holds the entry; nil at the top.
    package var parent: RelativePath? {
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return RelativePath(validated: Array(bytes[..<slash]))
    }

    /// The path of the entry `component` in this directory.
    /// - Throws: `PathError` says which rule is broken.
    package func appending(component: [UInt8]) throws(PathError) -> RelativePath {
        if component.isEmpty { throw .emptyComponent(offset: bytes.count + 1) }
        if let slash = component.firstIndex(of: UInt8(ascii: "/")) { throw .slashInComponent(offset: slash) }
        return try RelativePath(bytes + [UInt8(ascii: "/")] + component)
    }

    /// The path of the entry `component` in the directory `parent`, or at the top when there is none.
    /// - Throws: `PathError` says which rule is broken.
    package static func joining(_ parent: RelativePath?, _ component: [UInt8]) throws(PathError) -> RelativePath {
        if let parent { return try parent.appending(component: component) }
        if let slash = component.firstIndex(of: UInt8(ascii: "/")) { throw .slashInComponent(offset: slash) }
        return try RelativePath(component)
    }

    package static func < (a: Self, b: Self) -> Bool {
        KeyOrder.compare(a.bytes, b.bytes).order < 0
    }

    /// The path for a terminal or a log: everything that is not plain text is escaped.
    package var description: String { TerminalText.escape(bytes) }
}
