import CLinux
import Glibc

/// An open directory: every operation names what it touches relative to this descriptor, so that nobody who renames
/// or relinks a directory above can lead it elsewhere.
///
/// Paths are bytes without NUL, components separated by `/`, never beginning with `/`, never with a component `..`.
/// No symbolic link is ever followed, neither in the middle nor at the end, and no path leaves the folder
/// (openat2 with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS; a walk with O_NOFOLLOW on kernels
/// before 5.6). Every operation may be called from any thread at any time; the descriptor closes with the last
/// reference. Where a doc comment says *atomic*, another process sees the state before or after and nothing between;
/// nothing is durable before `sync()`.
package final class Folder: Sendable {
    /// The directory's descriptor, valid as long as this object: for calls that this type does not offer.
    package let descriptor: Int32
    /// The path that the folder was opened by, for messages only.
    package let shownName: [UInt8]
    private let options: Int32

    private init(adopting descriptor: Int32, name: [UInt8], options: Int32) {
        self.descriptor = descriptor
        self.shownName = name
        self.options = options
    }

    deinit { clinux_close(descriptor) }

    // MARK: Opening

    /// Opens a directory by a path that the operator gave: absolute or relative to the working directory, symbolic
    /// links followed.
    /// - Parameter crossesMounts: false makes every later path that crosses a mount point fail with EXDEV.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package static func open(_ path: [UInt8], crossesMounts: Bool = true) throws(FileError) -> Folder {
        let result = withTerminated(path[...]) { Int64(clinux_open($0, O_RDONLY | O_DIRECTORY, 0)) }
        let descriptor = try checked(result, "open directory", path)
        return Folder(
            adopting: Int32(descriptor), name: path,
            options: crossesMounts ? 0 : Int32(CLINUX_NO_CROSS_DEVICE))
    }

    /// Opens the directory at `path` below this one.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func subfolder(_ path: [UInt8]) throws(FileError) -> Folder {
        let result = openBeneath(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
        return Folder(
            adopting: try checked(result, "open directory", full(path)), name: full(path), options: options)
    }

    /// Opens the directory at `path`, or nil if nothing has that name.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func subfolderIfPresent(_ path: [UInt8]) throws(FileError) -> Folder? {
        let result = openBeneath(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
        if result == -ENOENT { return nil }
        return Folder(
            adopting: try checked(result, "open directory", full(path)), name: full(path), options: options)
    }

    /// Opens a regular file for reading; `writable` for reading and writing. Nothing is created.
    ///
    /// Never waits, also when a fifo or device stands there: look at `attributes()` before use.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func openFile(_ path: [UInt8], writable: Bool = false) throws(FileError) -> OpenFile {
        let flags = (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        let result = openBeneath(path, flags, 0)
        return OpenFile(adopting: try checked(result, "open", full(path)), name: full(path))
    }

    /// Opens a regular file for reading, or nil if nothing has that name.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func openFileIfPresent(_ path: [UInt8], writable: Bool = false) throws(FileError) -> OpenFile? {
        let flags = (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        let result = openBeneath(path, flags, 0)
        if result == -ENOENT { return nil }
        return OpenFile(adopting: try checked(result, "open", full(path)), name: full(path))
    }

    /// Creates a file that was not there (O_EXCL; EEXIST if it was), open for reading and writing, with exactly
    /// `mode`, whatever the umask. Atomic.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func createFile(_ path: [UInt8], mode: UInt32 = 0o644) throws(FileError) -> OpenFile {
        try create(path, O_EXCL, mode)
    }

    /// Opens a file for reading and writing and creates it, with exactly `mode`, if it is not there. A file that is
    /// there keeps its bytes and its mode.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func openOrCreateFile(_ path: [UInt8], mode: UInt32 = 0o644) throws(FileError) -> OpenFile {
        while true {
            if let file = try openFileIfPresent(path, writable: true) { return file }
            do throws(FileError) {
                return try createFile(path, mode: mode)
            } catch  where error.isAlreadyThere {
                continue  // another made it in between: open that one
            }
        }
    }

    /// A file without a name in the folder at `path` ("" for this one), open for reading and writing (O_TMPFILE);
    /// `OpenFile.link(into:name:)` names it. It vanishes if it never gets a name.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func createUnnamedFile(in path: [UInt8] = [], mode: UInt32 = 0o644) throws(FileError) -> OpenFile {
        let result = openBeneath(path.isEmpty ? [UInt8(ascii: ".")] : path, O_RDWR | clinux_o_tmpfile(), mode)
        let file = OpenFile(adopting: try checked(result, "create file in", full(path)), name: full(path))
        try file.setMode(mode)
        return file
    }

    private func create(_ path: [UInt8], _ flags: Int32, _ mode: UInt32) throws(FileError) -> OpenFile {
        let result = openBeneath(path, O_RDWR | O_CREAT | O_NOFOLLOW | flags, mode)
        let file = OpenFile(adopting: try checked(result, "create", full(path)), name: full(path))
        try checked(clinux_ensure_mode(file.descriptor, mode), "set mode of", file.shownName)
        return file
    }

    // MARK: Directories

    /// Makes a directory with exactly `mode`, whatever the umask, and opens it. EEXIST if something has that name.
    /// - Throws: `FileError`, with the path and what the kernel says.
    @discardableResult
    package func makeFolder(_ path: [UInt8], mode: UInt32 = 0o755) throws(FileError) -> Folder {
        let result = resolve(path) { clinux_mkdir($0, $1, mode) }
        try checked(result, "make directory", full(path))
        let folder = try subfolder(path)
        try checked(clinux_chmod(folder.descriptor, mode), "set mode of", full(path))
        return folder
    }

    /// Opens the directory at `path`, after making it if it was not there. One that was there keeps its mode.
    /// - Throws: `FileError`, with the path and what the kernel says.
    package func ensureFolder(_ path: [UInt8], mode: UInt32 = 0o755) throws(FileError) -> Folder {
        do throws(FileError) {
            return try makeFolder(path, mode: mode)
        } catch  where error.isAlreadyThere {
            return try subfolder(path)
        }
    }

    /// Sets this directory's mode.
    /// - Throws: `FileError` if the kernel refuses.
    package func setMode(_ mode: UInt32) throws(FileError) {
        try checked(clinux_chmod(descriptor, mode), "set mode of", shownName)
    }

    /// Sets this directory's modification time (and access time).
    /// - Throws: `FileError` if the kernel refuses.
    package func setModified(_ time: FileTime) throws(FileError) {
        let result = clinux_set_descriptor_times(descriptor, time.seconds, time.nanoseconds)
        try checked(result, "set time of", shownName)
    }

    /// Sets the modification time of what `path` names: also of a symbolic link itself.
    /// - Throws: `FileError` if the kernel refuses.
    package func setModified(_ path: [UInt8], _ time: FileTime) throws(FileError) {
        let result = resolve(path) { clinux_set_times($0, $1, time.seconds, time.nanoseconds) }
        try checked(result, "set time of", full(path))
    }

    // MARK: Looking

    /// What `path` names, a symbolic link itself and not its target; nil if nothing has that name.
    /// - Throws: `FileError` if it cannot be looked at.
    package func stat(_ path: [UInt8]) throws(FileError) -> FileAttributes? {
        var raw = clinux_attributes()
        let result = resolve(path) { clinux_stat($0, $1, &raw) }
        if result == -ENOENT { return nil }
        try checked(result, "look at", full(path))
        return FileAttributes(raw)
    }

    /// What this directory itself is.
    /// - Throws: `FileError` if it cannot be looked at.
    package func attributes() throws(FileError) -> FileAttributes {
        var raw = clinux_attributes()
        try checked(clinux_stat(descriptor, "", &raw), "look at", shownName)
        return FileAttributes(raw)
    }

    /// The target of a symbolic link, raw; EINVAL if it is none.
    /// - Throws: `FileError` if it cannot be looked at.
    package func readLink(_ path: [UInt8]) throws(FileError) -> [UInt8] {
        var target: [UInt8] = []
        // A target has at most 4,095 bytes (PATH_MAX less its NUL), so one read is always whole.
        let result = resolve(path) { folder, name in
            var length: Int64 = 0
            target = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                length = clinux_readlink(folder, name, buffer.baseAddress, buffer.count)
                count = max(0, Int(length))
            }
            return Int32(clamping: length)
        }
        try checked(result, "read link", full(path))
        return target
    }

    // MARK: Durability

    /// Makes the names in this directory durable (fsync). After an error it is unknown which are: never call it again
    /// for the same changes, make them anew.
    /// - Throws: `FileError` if something could not be made durable.
    package func sync() throws(FileError) {
        try checked(clinux_fsync(descriptor), "sync directory", shownName)
    }

    /// Makes everything written to this file system durable (syncfs).
    ///
    /// Reports a failed write-back since this folder was opened, or since the last call on it, and not of which file:
    /// an error condemns all that was written since. So the folder must be opened before the first of those writes.
    /// - Throws: `FileError` if something could not be made durable.
    package func syncFileSystem() throws(FileError) {
        try checked(clinux_syncfs(descriptor), "sync file system of", shownName)
    }

    // MARK: Paths

    /// `path` below this folder, for messages.
    package func full(_ path: [UInt8]) -> [UInt8] {
        if path.isEmpty { return shownName }
        if shownName.isEmpty || shownName.last == UInt8(ascii: "/") { return shownName + path }
        return shownName + [UInt8(ascii: "/")] + path
    }

    func openBeneath(_ path: [UInt8], _ flags: Int32, _ mode: UInt32) -> Int32 {
        let problem = pathProblem(path)
        if problem != 0 { return problem }
        return withTerminated(path[...]) { clinux_open_beneath(descriptor, $0, flags, mode, options) }
    }

    /// Calls `body` with the descriptor of the directory that holds the last component of `path`, and that component.
    ///
    /// One component costs no further call: this folder holds it. The value is that of `body`, or -errno.
    func resolve(_ path: [UInt8], _ body: (Int32, UnsafePointer<CChar>) -> Int32) -> Int32 {
        let problem = pathProblem(path)
        if problem != 0 { return problem }
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else {
            return withTerminated(path[...]) { body(descriptor, $0) }
        }
        let name = path[(slash + 1)...]
        if name.isEmpty { return -EINVAL }
        let flags = clinux_o_path() | O_DIRECTORY | O_NOFOLLOW
        let parent = withTerminated(path[..<slash]) { clinux_open_beneath(descriptor, $0, flags, 0, options) }
        guard parent >= 0 else { return parent }
        defer { clinux_close(parent) }
        return withTerminated(name) { body(parent, $0) }
    }
}

/// 0, or -errno for a path that no operation of a folder takes: empty, with NUL, absolute, or with `..`.
private func pathProblem(_ path: [UInt8]) -> Int32 {
    guard let first = path.first else { return -ENOENT }
    if first == UInt8(ascii: "/") { return -EXDEV }
    var dots = 0
    var isOnlyDots = true
    for byte in path {
        switch byte {
        case 0: return -EINVAL
        case UInt8(ascii: "/"):
            if isOnlyDots && dots == 2 { return -EXDEV }
            dots = 0
            isOnlyDots = true
        case UInt8(ascii: "."): dots += 1
        default: isOnlyDots = false
        }
    }
    return isOnlyDots && dots == 2 ? -EXDEV : 0
}

/// Calls `body` with the bytes and a NUL after them.
func withTerminated<Result>(_ bytes: ArraySlice<UInt8>, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    withUnsafeTemporaryAllocation(byteCount: bytes.count + 1, alignment: 1) { buffer in
        buffer.copyBytes(from: bytes)
        buffer[bytes.count] = 0
        return buffer.withMemoryRebound(to: CChar.self) { characters in
            // A buffer of at least one byte has a base address.
            guard let base = characters.baseAddress else { preconditionFailure("no room for a path") }
            return body(base)
        }
    }
}
