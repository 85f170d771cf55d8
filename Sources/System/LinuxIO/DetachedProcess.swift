import CLinux
import Glibc

/// Starts a program that goes on by itself: in a session of its own, a child of process 1 and not of the caller,
/// standard input empty, standard output and errors appended to `outputFile` (made with mode 0600 if it is not
/// there), with **no other descriptor of the caller** and every signal as after login.
///
/// It returns after the program was really executed, so a missing program is an error here.
/// - Parameters:
///   - executable: the path of the program; relative ones are relative to `workingDirectory`.
///   - arguments: without the program's name.
///   - environment: `NAME=value`; nil for the caller's.
/// - Returns: the process, which may have ended already.
/// - Throws: `FileError` if the program cannot be started, or the file not be opened.
package func spawnDetached(
    executable: String, arguments: [String], outputFile: String, workingDirectory: String? = nil,
    environment: [String]? = nil
) throws(FileError) -> Int32 {
    let flags = O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY
    let output = withTerminated(Array(outputFile.utf8)[...]) { clinux_open($0, flags, 0o600) }
    try checked(output, "open", Array(outputFile.utf8))
    defer { clinux_close(output) }
    let result = withTerminated(Array(executable.utf8)[...]) { path in
        withStringVector([executable] + arguments) { vector in
            withTerminated(Array((workingDirectory ?? "").utf8)[...]) { folder in
                let folder = workingDirectory == nil ? nil : folder
                guard let environment else {
                    return clinux_spawn_detached(path, vector, nil, output, folder)
                }
                return withStringVector(environment) {
                    clinux_spawn_detached(path, vector, $0, output, folder)
                }
            }
        }
    }
    return Int32(clamping: try checked(result, "start", Array(executable.utf8)))
}

/// Calls `body` with the strings as C has them: an array of pointers with nil at the end.
func withStringVector<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var bytes: [CChar] = []
    var starts: [Int] = []
    for string in strings {
        starts.append(bytes.count)
        bytes += string.utf8.map { CChar(bitPattern: $0) } + [0]
    }
    return bytes.withUnsafeMutableBufferPointer { bytes in
        var pointers: [UnsafeMutablePointer<CChar>?] = starts.map { start in bytes.baseAddress.map { $0 + start } }
        pointers.append(nil)
        return pointers.withUnsafeBufferPointer { buffer in
            // The nil at the end makes the buffer non-empty.
            guard let base = buffer.baseAddress else { preconditionFailure("an empty vector of strings") }
            return body(base)
        }
    }
}
