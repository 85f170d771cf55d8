import AsyncHTTPClient
import Hashing
import LinuxIO
import NIOCore
import NIOHTTP1

/// Files of a repository, by HTTP or from a folder.
struct RepositoryReader {
    private let base: String

    /// `base` is an http: or file: URL of a folder.
    init(_ base: String) {
        self.base = base.hasSuffix("/") ? base : base + "/"
    }

    /// What went wrong but for a file that is not there.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The bytes of a file, at most `limit` and one more, so that what is too long is seen to be; nil if there is none.
    func read(_ path: [UInt8], limit: Int) async throws -> [UInt8]? {
        if base.hasPrefix("file://") {
            return try KeptFiles(String(base.dropFirst("file://".count)))
                .read(String(decoding: path, as: UTF8.self), limit: limit)
        }
        let url = base + Self.escaped(path)
        let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(30))
        switch response.status.code {
        case 200: break
        case 403, 404: return nil
        default: throw Failure(description: "\(url): status \(response.status)")
        }
        var bytes: [UInt8] = []
        for try await part in response.body {
            bytes += part.readableBytesView
            if bytes.count > limit { return Array(bytes.prefix(limit + 1)) }
        }
        return bytes
    }

    /// The path in a URL: what the file names of metadata escape already stays, everything else that a URL cannot have is
    /// escaped.
    private static func escaped(_ path: [UInt8]) -> String {
        path.reduce(into: "") { text, byte in
            let isPlain = byte > 0x20 && byte < 0x7F && !Array("\"#<>?[\\]^`{|}".utf8).contains(byte)
            text += String(
                decoding: isPlain ? [byte] : [UInt8(ascii: "%")] + Hexadecimal.letters([byte]), as: UTF8.self)
        }
    }
}
