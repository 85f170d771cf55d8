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
}
