import Content

/// A signed report in terms of the report before it: what changed in the body, and the signature of the whole.
///
/// Most of a report is the same from one time to the next, and a fleet that is in step sends nothing else. The signature
/// is that of the ``SignedReport`` which comes out, so a patch is as good as the report itself, and one that was made
/// from another base is found out.
package struct SignedReportPatch: Hashable, Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 1

    /// The number of the report that it was made from.
    package let baseNumber: UInt64
    private let patch: BytePatch
    private let signature: [UInt8]

    /// What leads from the body of report `baseNumber` to `report`.
    package init(from base: [UInt8], baseNumber: UInt64, to report: SignedReport) {
        self.baseNumber = baseNumber
        patch = BytePatch(from: base, to: report.body)
        signature = report.signature
    }

    /// The report, not verified. Throws ``SignedReportError`` if `base` is not the body that it was made from, as far as
    /// that can be seen: a wrong base mostly shows in the signature.
    package func report(from base: [UInt8]) throws(SignedReportError) -> SignedReport {
        let body: [UInt8]
        do {
            body = try patch.apply(to: base)
        } catch {
            throw .malformed("the patch is of another report: \(error)")
        }
        return try SignedReport(body: body, signature: signature)
    }

    /// The bytes: version, number of the base, patch, signature.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 160)
        writer.u8(Self.formatVersion)
        writer.varint(baseNumber)
        patch.encode(to: &writer)
        writer.bytes(signature)
        return writer.bytes
    }

    /// Reads what `encode` writes. Throws ``SignedReportError`` for other bytes.
    package init(decoding bytes: [UInt8]) throws(SignedReportError) {
        guard bytes.count <= SignedReport.maximumByteCount else { throw .tooLarge(bytes.count) }
        do {
            var reader = ByteReader(bytes)
            let version = try reader.u8()
            guard version == Self.formatVersion else { throw SignedReportError.unknownVersion(version) }
            baseNumber = try reader.varint()
            patch = try BytePatch(decoding: &reader, limit: SignedReport.maximumBodyByteCount)
            signature = try reader.raw(SignedReport.signatureByteCount)
            try reader.expectEnd()
        } catch let error as SignedReportError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
    }
}
