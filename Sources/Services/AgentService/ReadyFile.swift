import FleetCertificates
import FleetModel

/// The file that tells a launcher that this process listens, and where.
enum ReadyFile {
    /// Writes `address` to `path` in one step: a reader sees all of it or no file.
    static func write(_ address: NetworkAddress, to path: String) throws(CredentialError) {
        try KeyFile.write("\(address)\n", to: path, .open, replacing: true)
    }
}
