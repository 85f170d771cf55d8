import FleetFile
import FleetModel
import Glibc
import Hashing
import Trust

/// A fleet.yaml that was found to be right, and the publishers it names.
struct AcceptedPolicy: Sendable {
    /// What it says.
    var fleet: Fleet
    /// Its bytes.
    var text: [UInt8]
    /// BLAKE3 of the bytes, in hexadecimal.
    var digest: String
    /// Verifies releases by its publishers' keys.
    var seal: ReleaseSeal

    /// Largest fleet.yaml read: 10,000 mirrors with a line each are below 2 MiB.
    private static let largestFile = 16 << 20

    /// Reads the file `path`.
    ///
    /// - Throws: `StartError.policy` with every mistake as it is, `StartError.configuration`.
    init(file path: String) throws(StartError) {
        let text = try Self.read(path, "policy")
        do {
            fleet = try FleetFile.parse(text, file: path)
        } catch {
            throw .policy(text: error.description)
        }
        self.text = text
        digest = BLAKE3.hash(text).hex
        var keys: [PublisherPublicKey] = []
        for reference in fleet.trust.publishers {
            keys.append(try Self.key(reference))
        }
        seal = ReleaseSeal(policy: ReleasePolicy(fleet: fleet.name, publishers: keys))
    }

    private static func key(_ reference: PublisherReference) throws(StartError) -> PublisherPublicKey {
        let text: String
        switch reference {
        case .key(let key): text = key
        case .file(let path): text = String(decoding: try read(path, "public key of a publisher"), as: UTF8.self)
        }
        do {
            return try PublisherPublicKey(text: text)
        } catch {
            throw .configuration(
                message: "\(reference) under trust.publishers is no public key: \(error)",
                hint: "it is one line, ed25519: and base64")
        }
    }

    private static func read(_ path: String, _ what: String) throws(StartError) -> [UInt8] {
        func failed(_ reason: String) -> StartError {
            .configuration(message: "cannot read the \(what) \(path): \(reason)", hint: "check its path and its mode")
        }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failed(String(cString: strerror(errno)).lowercased()) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failed(String(cString: strerror(errno)).lowercased()) }
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= largestFile else { throw failed("it is larger than \(largestFile >> 20) MiB") }
        }
    }
}
