import Glibc
import Testing

/// A file of frozen vectors in Tests/Fixtures/formats: lines of `name = value`.
struct FormatFixture {
    private var values: [String: String] = [:]

    init(_ name: String, file: String = #filePath) throws {
        let tests = try #require(file.firstRange(of: "/Tests/")).lowerBound
        let path = file[..<tests] + "/Tests/Fixtures/formats/" + name
        let stream = try #require(fopen(String(path), "r"), "\(path) is missing")
        defer { fclose(stream) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, stream) > 0 {
            guard let text = line.map({ String(cString: $0) }), !text.hasPrefix("#") else { continue }
            let parts = text.dropLast().split(separator: " = ", maxSplits: 1)
            try #require(parts.count == 2)
            values[String(parts[0])] = String(parts[1])
        }
    }

    func text(_ name: String) throws -> String {
        try #require(values[name], "there is no vector \(name)")
    }

    func bytes(_ name: String) throws -> [UInt8] {
        let digits = Array(try text(name).utf8)
        return try stride(from: 0, to: digits.count, by: 2).map { index in
            try #require(UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16))
        }
    }
}
