/// What a signature is for. The domain is part of what is signed, so that no signature made for one purpose counts for
/// another.
package enum SignatureDomain: String, Sendable {
    /// A host's signature over a report.
    case report = "mirrorfleet v1 report"
    /// An operator's signature over a term.
    case term = "mirrorfleet v1 term"
    /// An operator's signature over a host's standing.
    case standing = "mirrorfleet v1 standing"
    /// A mirror's signature over a receipt.
    case receipt = "mirrorfleet v1 receipt"

    /// What is signed: the domain, a zero byte, the bytes. No domain has a zero byte, so none is the beginning of
    /// another one's message.
    func message(_ bytes: [UInt8]) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(rawValue.utf8.count + 1 + bytes.count)
        message += Array(rawValue.utf8)
        message.append(0)
        message += bytes
        return message
    }
}
