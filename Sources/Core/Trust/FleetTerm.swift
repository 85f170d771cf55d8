package import Content

/// The word of an operator that a coordinator begins a new term: its plans count above every plan of the terms before.
///
/// The first term of a fleet needs no word. Every later one does, so that neither a second coordinator nor a stolen backup
/// can put its plans above those that the agents follow.
package struct FleetTerm: OperatorStatement {
    package static let kind = "term"
    package static let domain = SignatureDomain.term

    /// The fleet.
    package let fleet: String
    /// The term's number.
    package let number: UInt64
    /// Name of the coordinator, as in its certificate.
    package let coordinator: String
    /// When it was signed, in seconds since 1970 by the operator's clock.
    package let signedAt: Int64

    /// Makes the value from its parts; nothing is checked.
    package init(fleet: String, number: UInt64, coordinator: String, signedAt: Int64) {
        self.fleet = fleet
        self.number = number
        self.coordinator = coordinator
        self.signedAt = signedAt
    }

    /// The canonical bytes: fleet, number, coordinator, time.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 160)
        writer.lengthPrefixed(Array(fleet.utf8))
        writer.u64(number)
        writer.lengthPrefixed(Array(coordinator.utf8))
        writer.i64(signedAt)
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused. Throws `CodecError`.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        fleet = try reader.statementName()
        number = try reader.u64()
        coordinator = try reader.statementName()
        signedAt = try reader.i64()
        try reader.expectEnd()
    }
}
