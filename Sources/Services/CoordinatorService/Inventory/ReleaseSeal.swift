import Content
import FleetAPI
import FleetModel
import Trust

/// Verifies the releases of the fleet by the public keys that fleet.yaml names. Nothing here could sign one.
struct ReleaseSeal: Sendable {
    private let policy: ReleasePolicy

    init(policy: ReleasePolicy) {
        self.policy = policy
    }

    /// The release in `bytes`, an encoded `SignedRelease`, if it is one of `set` and signed by a publisher.
    ///
    /// - Throws: `RequestError` 422 that says which rule it breaks.
    func verified(_ bytes: [UInt8], set: String, registeredAt: Int64) throws(RequestError) -> RegisteredRelease {
        do {
            let signed = try SignedRelease(decoding: bytes)
            let release = try ReleaseVerifier.verify(signed, policy: policy, set: set, above: nil)
            return Self.registered(release.document, digest: release.digest, bytes, registeredAt)
        } catch {
            throw RequestError.unacceptable(RefusalCode.releaseNotTrusted, "\(error)")
        }
    }

    /// The release in `bytes`, which was verified before it was stored.
    static func trusting(_ bytes: [UInt8], set: String, registeredAt: Int64) throws -> RegisteredRelease {
        let signed = try SignedRelease(decoding: bytes)
        let document = try ReleaseDocument(decoding: signed.document)
        return registered(document, digest: ReleaseDocument.digest(of: signed.document), bytes, registeredAt)
    }

    private static func registered(
        _ document: ReleaseDocument, digest: ReleaseDigest, _ bytes: [UInt8], _ registeredAt: Int64
    ) -> RegisteredRelease {
        RegisteredRelease(
            set: document.set, sequence: document.sequence, digest: digest.description,
            root: document.manifest.digest.description, files: document.manifest.files,
            entries: document.manifest.entries, bytes: document.manifest.bytes, publishedAt: document.publishedAt,
            registeredAt: registeredAt, signed: base64(bytes),
            retouchedBytes: document.retouchedBytes)
    }
}
