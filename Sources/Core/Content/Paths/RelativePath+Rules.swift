extension RelativePath {
    /// Throws for the first rule that `bytes` break, in one pass over them.
    static func validate(_ bytes: [UInt8]) throws(PathError) {
        guard let first = bytes.first else { throw .empty }
        if first == UInt8(ascii: "/") { throw .absolute }
        if bytes.count > maximumByteCount { throw .tooLong(length: bytes.count) }
        let broken = bytes.withUnsafeBufferPointer { violation(in: $0) }
        if let broken { throw broken }
    }

    private static func violation(in bytes: UnsafeBufferPointer<UInt8>) -> PathError? {
        var depth = 0
        var start = 0
        for index in 0...bytes.count {
            if index < bytes.count {
                let byte = bytes[index]
                if byte == 0 { return .containsNUL(offset: index) }
                if byte != UInt8(ascii: "/") { continue }
            }
            let length = index - start
            if length <= 2 {
                if length == 0 { return .emptyComponent(offset: start) }
                let isDots = bytes[start] == UInt8(ascii: ".") && bytes[index - 1] == UInt8(ascii: ".")
                if isDots { return .dotComponent(offset: start) }
            } else if length > maximumComponentByteCount {
                return .componentTooLong(offset: start, length: length)
            }
            if depth == 0, bytes[0] == UInt8(ascii: ".") {
                let name = UnsafeBufferPointer(rebasing: bytes[..<index])
                for reserved in reservedNames where name.elementsEqual(reserved.utf8) { return .reservedName(reserved) }
            }
            depth += 1
            start = index + 1
        }
        return depth > maximumDepth ? .tooDeep(depth: depth) : nil
    }
}
