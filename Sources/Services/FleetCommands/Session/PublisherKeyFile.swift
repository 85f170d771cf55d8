import FleetCertificates
import FleetModel
import Trust

/// The publisher's private key: a file that only this program reads.
enum PublisherKeyFile {
    /// Reads the key that fleet.yaml names. Refuses one that others than its owner may read.
    static func read(_ session: FleetSession) throws -> PublisherKey {
        guard let path = session.fleet.trust.publisherKeyFile else {
            throw FleetctlError(
                .badConfiguration, "\(session.file) does not say where the publisher's key is",
                hint: "on the machine that publishes add `trust: {publisher_key: FILE}`")
        }
        let text = try KeyFile.read(path, .secret)
        do {
            return try PublisherKey(text: text)
        } catch {
            throw FleetctlError(.failed, "\(path): \(error)")
        }
    }

    /// The public keys that releases of the fleet must be signed with.
    static func publishers(of fleet: Fleet) throws -> [PublisherPublicKey] {
        try fleet.trust.publishers.map { reference in
            switch reference {
            case .key(let text): try PublisherPublicKey(text: text)
            case .file(let path): try PublisherPublicKey(text: KeyFile.read(path, .open))
            }
        }
    }
}
