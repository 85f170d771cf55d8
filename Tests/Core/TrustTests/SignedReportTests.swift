import Crypto
import Testing
import Trust

@Suite struct SignedReportTests {
    private let key = P256.Signing.PrivateKey()

    private func sign(_ body: [UInt8], message: [UInt8]? = nil) throws -> SignedReport {
        let signature = try key.signature(for: message ?? SignedReport.signedBytes(body: body))
        return try SignedReport(body: body, signature: Array(signature.rawRepresentation))
    }

    private var publicKey: ReportPublicKey {
        get throws { try #require(ReportPublicKey(x963: Array(key.publicKey.x963Representation))) }
    }

    @Test func `a report reads back and is verified by the key in either form`() throws {
        let body = Array("{\"mirror\":\"m1\"}".utf8)
        let report = try SignedReport(decoding: try sign(body).encode())
        #expect(try report.verified(by: publicKey) == body)
        try report.verify(publicKeyDER: Array(key.publicKey.derRepresentation))
    }

    @Test func `a report of another host, or with any bit changed, is refused`() throws {
        let report = try sign(Array("{\"mirror\":\"m1\"}".utf8))
        let other = P256.Signing.PrivateKey().publicKey
        #expect(throws: SignedReportError.wronglySigned) {
            try report.verify(publicKeyDER: Array(other.derRepresentation))
        }
        #expect(throws: SignedReportError.wronglySigned) { try report.verify(publicKeyDER: [1, 2, 3]) }
        let bytes = report.encode()
        for index in bytes.indices {
            for bit in 0..<8 {
                var copy = bytes
                copy[index] ^= 1 << UInt8(bit)
                guard let changed = try? SignedReport(decoding: copy) else { continue }
                #expect(throws: SignedReportError.wronglySigned) { try changed.verified(by: publicKey) }
            }
            #expect(throws: SignedReportError.self) { try SignedReport(decoding: Array(bytes[..<index])) }
        }
    }

    @Test func `a signature made for something else does not count`() throws {
        let body = Array("{}".utf8)
        let plain = try sign(body, message: body)
        #expect(throws: SignedReportError.wronglySigned) { try plain.verified(by: publicKey) }
        let release = try sign(body, message: Array("mirrorfleet v1 release document\0{}".utf8))
        #expect(throws: SignedReportError.wronglySigned) { try release.verified(by: publicKey) }
    }

    private func body(_ number: Int, disk: String = "fine") -> [UInt8] {
        Array("{\"disk\":\"as \(disk) as it was the day before\",\"number\":\(number)}".utf8)
    }

    @Test func `a patch gives the report that was signed, from its base alone`() throws {
        let (base, next) = (body(7), body(8))
        let report = try sign(next)
        let patch = try SignedReportPatch(
            decoding: SignedReportPatch(from: base, baseNumber: 7, to: report).encode())
        #expect(patch.baseNumber == 7)
        #expect(try patch.report(from: base) == report)
        // Another base of the same length makes other bytes, which the signature does not fit.
        let wrong = try patch.report(from: body(7, disk: "full"))
        #expect(throws: SignedReportError.wronglySigned) { try wrong.verified(by: publicKey) }
        #expect(throws: SignedReportError.self) { try patch.report(from: []) }
        let bytes = patch.encode()
        for end in bytes.indices {
            #expect(throws: SignedReportError.self) { try SignedReportPatch(decoding: Array(bytes[..<end])) }
        }
        #expect(throws: SignedReportError.unknownVersion(9)) { try SignedReportPatch(decoding: [9]) }
    }

    @Test func `limits are kept`() throws {
        let large = [UInt8](repeating: 0, count: SignedReport.maximumBodyByteCount + 1)
        #expect(throws: SignedReportError.tooLarge(large.count)) {
            try SignedReport(body: large, signature: [UInt8](repeating: 0, count: 64))
        }
        #expect(throws: SignedReportError.self) { try SignedReport(body: [], signature: []) }
        var later = try sign([1]).encode()
        later[0] = 2
        #expect(throws: SignedReportError.unknownVersion(2)) { try SignedReport(decoding: later) }
        #expect(ReportPublicKey(x963: [4]) == nil)
    }
}
