/// One step from one manifest to another.
package enum ManifestEdit: Hashable, Sendable {
    /// The entry is in the new manifest, instead of the one at its path, if there was one.
    case put(ManifestEntry)
    /// There is nothing at the path in the new manifest.
    case remove(RelativePath)

    /// The path that changes.
    package var path: RelativePath {
        switch self {
        case .put(let entry): entry.path
        case .remove(let path): path
        }
    }
}
