import FleetAPI
import FoundationEssentials
import Trust

/// Verifies that a report is signed by the key of the certificate it came with.
///
/// The connection proves the sender already; the signature makes the report worth something on its own, to others.
enum ReportSeal {
    /// The report's JSON in `signed`, an encoded `SignedReport`.
    ///
    /// - Parameter key: DER SubjectPublicKeyInfo of the sender's certificate.
    /// - Throws: `RequestError` 422.
    static func body(of signed: [UInt8], signedBy key: [UInt8]) throws(RequestError) -> [UInt8] {
        guard let key = ReportPublicKey(subjectPublicKeyInfo: key) else {
            throw refused("the certificate's key is not one of P-256")
        }
        do {
            return try SignedReport(decoding: signed).verified(by: key)
        } catch {
            throw refused("\(error)")
        }
    }

    /// The encoded `SignedReport` that comes out of `patch`, an encoded `SignedReportPatch`; not verified.
    ///
    /// - Parameter base: the body of the report of that number; nil if it is not there.
    /// - Throws: `RequestError` 409 if the base is not there, or not the one; 422 if `patch` is none.
    static func whole(_ patch: [UInt8], base: (UInt64) async -> [UInt8]?) async throws(RequestError) -> [UInt8] {
        let read: SignedReportPatch
        do {
            read = try SignedReportPatch(decoding: patch)
        } catch {
            throw refused("\(error)")
        }
        let body = await base(read.baseNumber)
        guard let body, let whole = try? read.report(from: body) else {
            throw RequestError.conflict(
                RefusalCode.reportBase, "report \(read.baseNumber), which the patch is of, is not the last one taken",
                hint: "hand in the whole report")
        }
        return whole.encode()
    }

    private static func refused(_ reason: String) -> RequestError {
        RequestError.unacceptable(
            RefusalCode.reportSignature, "the report's signature is refused: \(reason)",
            hint: "is it signed with the key of the certificate that the agent connects with?")
    }
}

/// Base64 on one line.
func base64(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString()
}
