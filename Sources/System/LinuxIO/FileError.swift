import CLinux

/// A system call on a file that failed: what was tried, on which path, and why.
///
/// The description is for an operator: it carries the path, escaped, the system's words and name for the error, and
/// what to do about it where there is something to do.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, as a verb: "open", "rename".
    package let operation: String
    /// The path as it was known to the caller: the folder's own path and what was asked below it.
    package let path: [UInt8]
    /// The other path of an operation on two, such as a rename's target.
    package let otherPath: [UInt8]?
    /// The number from `<errno.h>`, for example 28 for ENOSPC.
    package let errno: Int32

    package init(_ operation: String, _ path: [UInt8], otherPath: [UInt8]? = nil, errno: Int32) {
        self.operation = operation
        self.path = path
        self.otherPath = otherPath
        self.errno = errno
    }

    /// The symbolic name, for example "ENOSPC"; "errno 4711" for a number without one.
    package var errnoName: String {
        guard let name = clinux_errno_name(errno) else { return "errno \(errno)" }
        return String(cString: name)
    }

    package var description: String {
        let text = clinux_errno_text(errno).map { String(cString: $0) } ?? "unknown error"
        let subject = shownPath(path) + (otherPath.map { " to " + shownPath($0) } ?? "")
        return "cannot \(operation) \(subject): \(text) (\(errnoName))" + (remedy.map { "; " + $0 } ?? "")
    }

    /// What the operator can do, or nil where the error itself says it.
    package var remedy: String? {
        switch errnoName {
        case "ENOSPC": "free space or inodes on this file system (df -h, df -i)"
        case "EDQUOT": "raise the quota of the user that runs this program, or free space"
        case "EROFS": "the file system is read-only: look at the kernel's log for why, then remount it read-write"
        case "EMFILE": "raise this program's limit of open files (LimitNOFILE= in the unit, ulimit -n)"
        case "ENFILE": "raise the system's limit of open files (sysctl fs.file-max)"
        case "EACCES", "EPERM": "check who owns it and its mode, and as which user this program runs"
        case "EXDEV":
            "the two lie on different file systems or mounts, or the path leaves its folder: keep all data on one"
                + " file system and one mount"
        case "EIO": "the disk reported an error: look at the kernel's log and the disk's health"
        case "ESTALE": "the network file system lost this file: mount it again"
        case "EMLINK": "this file has as many hard links as its file system allows"
        case "ELOOP": "a symbolic link stands where a file or directory was expected; it is not followed"
        case "ENAMETOOLONG": "the file system allows 255 bytes for a name"
        case "EFBIG": "the file system or the limit of file sizes (ulimit -f) allows no larger file"
        default: nil
        }
    }

    /// The file system has no room (ENOSPC, EDQUOT): frees of space help, another try later may work.
    package var isOutOfSpace: Bool { errnoName == "ENOSPC" || errnoName == "EDQUOT" }
    /// Nothing has that name (ENOENT).
    package var isNotFound: Bool { errnoName == "ENOENT" }
    /// Something has that name already (EEXIST, and ENOTEMPTY of a rename over a directory).
    package var isAlreadyThere: Bool { errnoName == "EEXIST" || errnoName == "ENOTEMPTY" }
    /// The inode has no room for one more link (EMLINK).
    package var isOutOfLinks: Bool { errnoName == "EMLINK" }
    /// Two file systems or mounts (EXDEV).
    package var isCrossDevice: Bool { errnoName == "EXDEV" }
    /// A symbolic link stood in the way (ELOOP).
    package var isSymbolicLink: Bool { errnoName == "ELOOP" }
}

/// A path in quotes for a message: printable ASCII as it is, every other byte as `\xNN`, so that a name can neither
/// drive a terminal nor forge a line of a log.
package func shownPath(_ bytes: some Collection<UInt8>) -> String {
    var shown = "\""
    for byte in bytes {
        switch byte {
        case UInt8(ascii: "\n"): shown += "\\n"
        case UInt8(ascii: "\t"): shown += "\\t"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            shown += "\\"
            shown.unicodeScalars.append(Unicode.Scalar(byte))
        case 0x20..<0x7f: shown.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            let digits = String(byte, radix: 16)
            shown += digits.utf8.count == 1 ? "\\x0" + digits : "\\x" + digits
        }
    }
    return shown + "\""
}

/// Turns what a CLinux call returned into a value or an error.
@inline(__always)
@discardableResult
func checked<Value: SignedInteger>(
    _ result: Value, _ operation: StaticString, _ path: @autoclosure () -> [UInt8],
    to other: @autoclosure () -> [UInt8]? = nil
) throws(FileError) -> Value {
    guard result < 0 else { return result }
    throw FileError(operation.description, path(), otherPath: other(), errno: Int32(clamping: -Int64(result)))
}
