package import FleetModel

/// How the served trees of a set's releases are made, and how long they are kept.
package struct TreePolicy: Hashable, Sendable {
    /// What anybody may ask for, so that neither a wrong plan nor a wrong file fills a disk or removes the head.
    package static let keepRange = 1...1000
    /// From "at once", for tests and disks without room, to a week: no walk of a reader takes longer.
    package static let lingerRange: ClosedRange<Int64> = 0...604_800

    /// How many releases keep their trees, the head included.
    package let keepReleases: Int
    /// Seconds that a tree out of service stays as it was, whatever else is kept.
    package let lingerSeconds: Int64
    /// The most bytes that a release may have copied for files that change in their time alone, where the file system
    /// shares no blocks; beyond it times are changed in place. nil: all are copied.
    package let copyLimit: CopyLimit?

    /// A policy; figures outside of the ranges become the nearest ones inside.
    package init(
        keepReleases: Int = Store.defaultKeptReleases, lingerSeconds: Int64 = 3600, copyLimit: CopyLimit? = nil
    ) {
        self.copyLimit = copyLimit
        self.keepReleases = min(max(keepReleases, Self.keepRange.lowerBound), Self.keepRange.upperBound)
        self.lingerSeconds = min(max(lingerSeconds, Self.lingerRange.lowerBound), Self.lingerRange.upperBound)
    }
}
