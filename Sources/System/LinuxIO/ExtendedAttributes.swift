import CLinux
import Glibc

/// The names of a file's extended attributes: what a release does not carry.
package struct ExtendedAttributes: Hashable, Sendable {
    /// Sorted by their bytes.
    package let names: [[UInt8]]

    /// One of them is an access control list.
    package var hasAccessControlList: Bool {
        names.contains { $0.starts(with: Array("system.posix_acl_".utf8)) }
    }

    /// Those that an administrator or user set: without the label that SELinux puts on every file.
    package var settable: [[UInt8]] { names.filter { $0 != Array("security.selinux".utf8) } }
}

extension Folder {
    /// The extended attributes of what `path` names; none for a symbolic link, and where the file system has none.
    /// - Throws: `FileError` if they cannot be read.
    package func extendedAttributes(_ path: [UInt8]) throws(FileError) -> ExtendedAttributes {
        var bytes: [UInt8] = []
        let result = resolve(path) { folder, name in
            let (status, list) = attributeList(folder, name)
            bytes = list
            return status
        }
        try checked(result, "list attributes of", full(path))
        return ExtendedAttributes(list: bytes)
    }
}

extension OpenFile {
    /// The extended attributes of this file; none where the file system has none.
    /// - Throws: `FileError` if they cannot be read.
    package func extendedAttributes() throws(FileError) -> ExtendedAttributes {
        let (status, bytes) = attributeList(descriptor, "")
        try checked(status, "list attributes of", shownName)
        return ExtendedAttributes(list: bytes)
    }
}

extension ExtendedAttributes {
    fileprivate init(list: [UInt8]) {
        names = list.split(separator: 0).map(Array.init).sorted { $0.lexicographicallyPrecedes($1) }
    }
}

private func attributeList(_ folder: Int32, _ name: UnsafePointer<CChar>) -> (Int32, [UInt8]) {
    // The kernel keeps a list within 64 KiB (XATTR_LIST_MAX); most files have none, so ask for the length first.
    let needed = clinux_list_attributes(folder, name, nil, 0)
    guard needed > 0 else { return (Int32(clamping: needed), []) }
    var status: Int64 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
        status = clinux_list_attributes(folder, name, buffer.baseAddress, buffer.count)
        count = max(0, Int(status))
    }
    return (Int32(clamping: status), bytes)
}
