import LinuxIO

/// The folders of a store, open.
struct StoreFolders {
    let data: Folder
    /// `.store`
    let store: Folder
    /// `.releases`
    let releases: Folder
    /// `.store/staging`
    let staging: Folder
    /// `.store/quarantine`
    let quarantine: Folder
    /// `.store/blobs`
    let blobs: BlobFiles
    /// `.store/releases`
    let releaseFiles: ReleaseFiles

    /// Opens them all below the data directory and its `.store`, and makes those that are not there.
    init(data: Folder, store: Folder) throws {
        self.data = data
        self.store = store
        releases = try data.ensureFolder(StoreLayout.releasesFolder, mode: 0o755)
        staging = try store.ensureFolder("staging", mode: 0o700)
        quarantine = try store.ensureFolder("quarantine", mode: 0o700)
        blobs = try BlobFiles(in: try store.ensureFolder("blobs", mode: 0o700))
        releaseFiles = try ReleaseFiles(in: store)
    }

    /// The sequence in the target of the set's link; nil if there is no link, its target is none of ours, or the tree
    /// it names is gone.
    func linkedSequence(_ set: String) throws -> UInt64? {
        let name = Array(set.utf8)
        guard try data.stat(name)?.type == .symlink else { return nil }
        let target = String(decoding: try data.readLink(name), as: UTF8.self)
        let prefix = "\(StoreLayout.releasesFolder)/\(set)/"
        guard target.hasPrefix(prefix), let sequence = UInt64(target.dropFirst(prefix.utf8.count)),
            target == "\(prefix)\(sequence)",
            try releases.stat("\(set)/\(sequence)")?.type == .directory
        else { return nil }
        return sequence
    }
}
