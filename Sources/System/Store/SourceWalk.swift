import Content
import LinuxIO

/// One entry of a source tree as the walk finds it.
struct SourceItem: Sendable {
    let path: RelativePath
    /// The open directory that holds it, and its name there.
    let folder: Folder
    let name: [UInt8]
    let attributes: FileAttributes
    /// It was seen to have no extended attributes.
    var isBare = false
}

/// Walks a source tree in the order of a manifest: by the bytes of whole paths, so that `a-b` comes between `a` and
/// `a/c`. Memory grows with the directories on the way down. Follows no symlink.
struct SourceWalk: Sendable {
    let top: Folder
    /// Told what a release cannot hold, which is then passed over; nil: such a thing is refused.
    var refused: (@Sendable (StoreError) -> Void)?

    /// Calls `body` with every entry below the top. Refuses what a release cannot hold.
    func run(_ body: (SourceItem) throws -> Void) throws { try walk(top, nil, body) }

    private struct Subfolder {
        let key: [UInt8]
        let name: [UInt8]
        let path: RelativePath
    }

    private func walk(_ folder: Folder, _ prefix: RelativePath?, _ body: (SourceItem) throws -> Void) throws {
        let listing = try folder.listing(sorted: true)
        // Directories whose contents come later than some names after them, by the key that their contents begin with.
        var waiting: [Subfolder] = []
        for index in 0..<listing.count {
            let name = listing.name(at: index)
            while let next = waiting.first, next.key.lexicographicallyPrecedes(name) {
                waiting.removeFirst()
                try descend(next, folder, body)
            }
            guard let item = try item(prefix, name, folder) else { continue }
            try body(item)
            guard item.attributes.type == .directory else { continue }
            let subfolder = Subfolder(key: name + [UInt8(ascii: "/")], name: name, path: item.path)
            let place = waiting.firstIndex { subfolder.key.lexicographicallyPrecedes($0.key) } ?? waiting.endIndex
            waiting.insert(subfolder, at: place)
        }
        for next in waiting { try descend(next, folder, body) }
    }

    /// The entry of that name; nil if it is passed over.
    private func item(_ prefix: RelativePath?, _ name: [UInt8], _ folder: Folder) throws -> SourceItem? {
        let attributes = try folder.stat(name)
        do throws(StoreError) {
            let path = try path(prefix, name)
            guard let attributes else { throw StoreError.changedWhileRead(path: path) }
            switch attributes.type {
            case .regular, .symlink, .directory:
                return SourceItem(path: path, folder: folder, name: name, attributes: attributes)
            default: throw StoreError.unsupportedFile(path: path, attributes.type)
            }
        } catch {
            try passOver(error)
            return nil
        }
    }

    private func passOver(_ error: StoreError) throws {
        guard let refused else { throw error }
        refused(error)
    }

    private func descend(_ next: Subfolder, _ folder: Folder, _ body: (SourceItem) throws -> Void) throws {
        guard let subfolder = try folder.subfolderIfPresent(next.name) else {
            return try passOver(.changedWhileRead(path: next.path))
        }
        try walk(subfolder, next.path, body)
    }

    private func path(_ prefix: RelativePath?, _ name: [UInt8]) throws(StoreError) -> RelativePath {
        do {
            return try RelativePath.joining(prefix, name)
        } catch {
            let bytes = prefix.map { $0.bytes + [UInt8(ascii: "/")] + name } ?? name
            throw StoreError.invalidName(shownPath: TerminalText.escape(bytes), error)
        }
    }
}
