import FleetCertificates
import LinuxIO

/// Small text files that this program reads and writes as a whole.
enum TextFile {
    /// Writes `text` to `path`, replacing what is there in one step; durable when it returns.
    static func write(_ text: String, to path: String) throws(CredentialError) {
        try KeyFile.write(text, to: path, .open, replacing: true)
    }

    /// The text of `path`, at most `limit` bytes.
    static func read(_ path: String, limit: Int = 1 << 20) throws(FileError) -> String {
        String(decoding: try OpenFile.open(Array(path.utf8)).readAll(limit: limit), as: UTF8.self)
    }

    /// The folder and the last component of `path`.
    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }

    /// Makes the directory `path` and those above it that are not there.
    static func makeFolder(_ path: String, mode: UInt32 = 0o755) throws(FileError) {
        let (parent, name) = split(path)
        guard !name.isEmpty, name != "." else { return }
        do {
            _ = try Folder.open(path)
        } catch  where error.isNotFound {
            try makeFolder(parent)
            _ = try Folder.open(parent).ensureFolder(name, mode: mode)
        }
    }
}
