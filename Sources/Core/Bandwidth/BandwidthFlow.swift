/// How urgent bytes are that wait for bandwidth.
package enum BandwidthClass: UInt8, CaseIterable, Hashable, Sendable {
    /// What says which content there is: small, and nothing begins without it.
    case metadata = 0
    /// Content.
    case bulk = 1

    /// Its share beside the other, while both want more than there is.
    var weight: Int { self == .metadata ? 8 : 1 }
}

/// Whose bytes are to go: one transfer of one set.
package struct BandwidthFlow: Hashable, Sendable {
    /// How urgent they are.
    package let priority: BandwidthClass
    /// The content set; empty: no single one.
    package let set: String
    /// The transfer, told from all others by this number.
    package let transfer: UInt64

    package init(_ priority: BandwidthClass, set: String, transfer: UInt64) {
        self.priority = priority
        self.set = set
        self.transfer = transfer
    }
}
