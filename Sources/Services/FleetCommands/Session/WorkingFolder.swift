import Glibc

/// Paths as the shell gave them.
enum WorkingFolder {
    /// `path` as an absolute path, without trailing slashes; symbolic links stay as they are.
    ///
    /// Throws a usage error if it is empty: that is a variable of a script that is not set, and no wish to publish or
    /// to remove the folder that the script happens to run in.
    static func absolute(_ path: String) throws(FleetctlError) -> String {
        guard !path.isEmpty else {
            throw FleetctlError(.usage, "a directory is given as an empty text", hint: "the current one is \".\"")
        }
        var result = path
        if !path.hasPrefix("/"), let current = getcwd(nil, 0) {
            defer { free(current) }
            result = String(cString: current) + "/" + (path == "." ? "" : path)
        }
        while result.count > 1, result.hasSuffix("/") { result.removeLast() }
        return result
    }

    /// The folder of this program's own file.
    static var ofProgram: String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let base = bytes.baseAddress else { return 0 }
            return readlink("/proc/self/exe", base.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard count > 0 else { return "." }
        return TextFile.split(String(decoding: buffer.prefix(count), as: UTF8.self)).folder
    }
}
