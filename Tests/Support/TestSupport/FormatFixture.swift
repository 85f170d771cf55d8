import Glibc

/// A file of frozen vectors in Tests/Fixtures/formats: lines of `name = value`.
package struct FormatFixture {
    private let file: String
    private var values: [String: String] = [:]

    /// Why a fixture is of no use.
    package enum Failure: Error {
        case noFile(String)
        case malformed(line: String, file: String)
        case noVector(String, file: String)
    }

    /// Reads the file `name`. Throws `Failure` if it is missing or has other lines.
    package init(_ name: String, sourceFile: String = #filePath) throws {
        guard let tests = sourceFile.firstRange(of: "/Tests/")?.lowerBound else { throw Failure.noFile(sourceFile) }
        file = sourceFile[..<tests] + "/Tests/Fixtures/formats/" + name
        guard let stream = fopen(file, "r") else { throw Failure.noFile(file) }
        defer { fclose(stream) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, stream) > 0 {
            guard let text = line.map({ String(cString: $0) }), !text.hasPrefix("#") else { continue }
            let parts = text.dropLast().split(separator: " = ", maxSplits: 1)
            guard parts.count == 2 else { throw Failure.malformed(line: text, file: file) }
            values[String(parts[0])] = String(parts[1])
        }
    }

    /// The value of the vector `name`. Throws `Failure` if there is none.
    package func text(_ name: String) throws -> String {
        guard let value = values[name] else { throw Failure.noVector(name, file: file) }
        return value
    }

    /// The value of the vector `name`, which is in hexadecimal. Throws `Failure` if there is none or it is not.
    package func bytes(_ name: String) throws -> [UInt8] {
        let digits = Array(try text(name).utf8)
        return try stride(from: 0, to: digits.count, by: 2).map { index in
            let pair = String(decoding: digits[index..<min(index + 2, digits.count)], as: UTF8.self)
            guard let byte = UInt8(pair, radix: 16) else { throw Failure.malformed(line: pair, file: file) }
            return byte
        }
    }
}
