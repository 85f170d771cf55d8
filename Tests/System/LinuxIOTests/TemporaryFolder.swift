import Glibc
import LinuxIO

/// A folder of one test, removed with everything in it when the last reference goes.
final class TemporaryFolder: Sendable {
    let path: String
    let folder: Folder

    init() throws {
        var template = Array("/tmp/fleet-linuxio-XXXXXX".utf8CString)
        guard template.withUnsafeMutableBufferPointer({ mkdtemp($0.baseAddress!) }) != nil else {
            throw FileError("make directory", Array("/tmp".utf8), errno: errno)
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        folder = try Folder.open(path)
    }

    deinit {
        try? folder.removeContents()
        rmdir(path)
    }
}

/// The bytes of a text.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Waits until `condition` holds, at most ten seconds; whether it does.
func holds(_ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
        if try condition() { return true }
        poll(nil, 0, 2)
    }
    return try condition()
}
