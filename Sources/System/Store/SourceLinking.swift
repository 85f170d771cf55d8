import Glibc
import LinuxIO

/// Whether a file of a source can itself be what is served, by a further name in the store: the one rule for a publish
/// with `ingest: link` and for an adoption.
struct SourceLinking: Sendable {
    /// What keeps a file from being linked.
    enum Obstacle: Sendable {
        /// It belongs to another user than this program runs as.
        case owner
        /// Its mode is neither 0644 nor 0755.
        case mode
        /// It has extended attributes or an access control list, which a release does not carry.
        case extendedAttributes
    }

    private let user = geteuid()

    /// What its owner and mode say against it; nil: nothing.
    func obstacle(_ attributes: FileAttributes) -> Obstacle? {
        guard attributes.user == user else { return .owner }
        return attributes.permissions == 0o644 || attributes.permissions == 0o755 ? nil : .mode
    }

    /// What keeps the open file from being linked; nil: nothing does.
    func obstacle(_ file: OpenFile, _ attributes: FileAttributes) -> Obstacle? {
        if let obstacle = obstacle(attributes) { return obstacle }
        guard let extended = try? file.extendedAttributes(), extended.settable.isEmpty else {
            return .extendedAttributes
        }
        return nil
    }

    /// Gives the file that was read, with `attributes`, the further name `name` in `folder`; its attributes after that,
    /// nil where the kernel or the file system forbids it or has no room for one more.
    /// - Throws: `otherFileSystem` if it lies on another file system or mount, `changedWhileRead` if another file has
    ///   its name now, and what the disk says.
    func link(
        _ item: SourceItem, _ attributes: FileAttributes, in folder: Folder, to name: [UInt8]
    ) throws -> FileAttributes? {
        try folder.unlinkIfPresent(name)
        do {
            try item.folder.link(item.name, in: folder, to: name)
        } catch {
            if error.isCrossDevice { throw StoreError.otherFileSystem(shownPath: "\(item.path)") }
            guard error.isOutOfLinks || error.errnoName == "EPERM" else { throw error }
            return nil
        }
        guard let linked = try folder.stat(name), linked.inode == attributes.inode, linked.size == attributes.size,
            linked.modified == attributes.modified
        else {
            try folder.unlinkIfPresent(name)
            throw StoreError.changedWhileRead(path: item.path)
        }
        return linked
    }
}
