import Content
import Glibc

/// Files of keys and certificates, small texts whose mode matters and that are never half-written.
package enum KeyFile {
    /// What a file is, and so who may read it.
    package enum Secrecy: Sendable {
        /// A key: mode 0600.
        case secret
        /// A certificate or public key: mode 0644.
        case open

        var mode: mode_t { self == .secret ? 0o600 : 0o644 }
    }

    /// The most bytes that are read: a chain of certificates with comments fits many times.
    package static let maximumByteCount = 256 << 10

    /// The text of a file. A secret one is refused if others may read it, or the group may write it: a group that may
    /// read is allowed because service managers hand out credentials so. Throws ``CredentialError``.
    package static func read(_ path: String, _ secrecy: Secrecy) throws(CredentialError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened", errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, "cannot be looked at", errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CredentialError(.file, shown(path), "is not a file", remedy: "name a file in PEM or text form")
        }
        if secrecy == .secret, status.st_mode & 0o037 != 0 {
            throw CredentialError(
                .exposed, shown(path),
                "holds a secret and has mode \(String(status.st_mode & 0o777, radix: 8)), so others can get at it",
                remedy: "chmod 600 it, and make a new key if others had access")
        }
        return try text(of: descriptor, path)
    }

    /// The text on standard input, up to its end: what was handed over so is on no disk. Throws ``CredentialError``.
    package static func readStandardInput() throws(CredentialError) -> String {
        try text(of: STDIN_FILENO, "standard input")
    }

    private static func text(of descriptor: Int32, _ path: String) throws(CredentialError) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(path, "cannot be read", errno) }
            guard count > 0 else { break }
            bytes += buffer[..<count]
            guard bytes.count <= maximumByteCount else {
                throw CredentialError(
                    .malformed, shown(path), "has more than \(maximumByteCount) bytes", remedy: "name the right file")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CredentialError(.malformed, shown(path), "is no text", remedy: "name a file in PEM or text form")
        }
        return text
    }

    /// Writes a file: under a temporary name with its final mode, synced, then renamed over `path` (or, unless
    /// `replacing`, linked there if nothing is), then the directory is synced. When it throws, `path` is as it was,
    /// except that after a failed sync of the directory either state may survive a crash.
    /// Throws ``CredentialError``.
    package static func write(
        _ text: String, to path: String, _ secrecy: Secrecy, replacing: Bool = false
    ) throws(CredentialError) {
        let temporary = "\(path).\(getpid()).\(UInt64.random(in: .min ... .max)).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, secrecy.mode)
        guard descriptor >= 0 else { throw notCreated(path, errno) }
        var isInPlace = false
        defer {
            close(descriptor)
            if !isInPlace { unlink(temporary) }
        }
        // The umask may have taken bits away.
        guard fchmod(descriptor, secrecy.mode) == 0 else { throw failure(path, "cannot be given its mode", errno) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(path, "cannot be written", count == 0 ? EIO : errno) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw failure(path, "cannot be made durable", errno) }
        if replacing {
            guard rename(temporary, path) == 0 else { throw failure(path, "cannot be replaced", errno) }
            isInPlace = true
        } else if link(temporary, path) != 0 {
            let code = errno
            guard code == EEXIST else { throw failure(path, "cannot be put in place", code) }
            throw CredentialError(
                .exists, shown(path), "exists already and is not replaced",
                remedy: "keep it, or move it away first if it is not needed any more")
        }
        try syncFolder(of: path)
    }

    /// The folder of the file `path`.
    private static func folder(of path: String) -> String {
        let bytes = Array(path.utf8)
        return switch bytes.lastIndex(of: UInt8(ascii: "/")) {
        case nil: "."
        case 0: "/"
        case let slash?: String(decoding: bytes[..<slash], as: UTF8.self)
        }
    }

    private static func syncFolder(of path: String) throws(CredentialError) {
        let folder = folder(of: path)
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder, "cannot be opened", errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(folder, "cannot be made durable", errno) }
    }

    /// What stops a new file is mostly its folder, not the file.
    private static func notCreated(_ path: String, _ code: Int32) -> CredentialError {
        let folder = shown(folder(of: path))
        let remedy: String? =
            switch code {
            case ENOENT: "the folder \(folder) is not there: make it, or name a file in another"
            case ENOTDIR: "\(folder) is no folder: name a file in one"
            case EACCES, EPERM: "this user may not write in the folder \(folder): allow it, or name a file in another"
            default: nil
            }
        return failure(path, "cannot be created", code, remedy: remedy)
    }

    private static func failure(
        _ path: String, _ what: String, _ code: Int32, remedy: String? = nil
    ) -> CredentialError {
        let usual =
            switch code {
            case ENOENT: "check the path; is it enrolled, or the fleet set up?"
            case EACCES, EPERM: "let this user have it: chown or chmod"
            case ENOSPC, EDQUOT: "make room on the disk"
            case EROFS: "the file system is read-only: write somewhere else"
            default: "check the path and the disk"
            }
        return CredentialError(
            .file, shown(path), "\(what) (\(String(cString: strerror(code))))", remedy: remedy ?? usual)
    }

    private static func shown(_ path: String) -> String {
        TerminalText.escape(Array(path.utf8))
    }
}
