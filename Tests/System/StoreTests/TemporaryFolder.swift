import Glibc
import LinuxIO

/// A folder of its own for one test, removed with everything in it at the end.
final class TemporaryFolder: Sendable {
    let path: String
    let folder: Folder

    init() throws {
        let top = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(top)/mirrorfleet-store-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileError("make", Array(top.utf8), errno: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        folder = try Folder.open(path)
    }

    deinit {
        try? folder.removeContents()
        rmdir(path)
    }
}
