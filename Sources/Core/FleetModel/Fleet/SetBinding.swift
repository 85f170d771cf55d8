/// What fleet.yaml says of a set that binds hosts: they take it from signed metadata alone, so a change of it counts once
/// it is signed. What is nil is not said in the file: it binds nobody once that is signed.
package struct SetBinding: Codable, Sendable, Hashable {
    /// How many mirrors must hold all of a release before one of them serves it.
    package var flipQuorum: Int?
    /// The part of the set in percent that one release may remove without its publisher's word.
    package var maxDelete: Int?
    /// The part in percent by which the set may shrink in the same way.
    package var maxShrink: Int?
    /// Who may fetch the set.
    package var fetch: FetchPolicy?

    /// Makes the value from its parts; nothing is checked.
    package init(
        flipQuorum: Int? = nil, maxDelete: Int? = nil, maxShrink: Int? = nil, fetch: FetchPolicy? = nil
    ) {
        self.flipQuorum = flipQuorum
        self.maxDelete = maxDelete
        self.maxShrink = maxShrink
        self.fetch = fetch
    }
}

/// Who may fetch a set, as fleet.yaml says it.
package struct FetchPolicy: Codable, Sendable, Hashable {
    /// Names of hosts, ascending.
    package var mirrors: [String]
    /// Names of regions, ascending: all of their hosts.
    package var regions: [String]
    /// Names in certificates of readers, ascending.
    package var readers: [String]

    /// Makes the value from its parts; nothing is checked.
    package init(mirrors: [String] = [], regions: [String] = [], readers: [String] = []) {
        self.mirrors = mirrors
        self.regions = regions
        self.readers = readers
    }
}
