import FleetFile
import FleetModel
import Glibc
import Hashing
import Logging
import Trust
import TrustFiles

/// A fleet.yaml that was found to be right, and the roots of the trust folder that it names.
struct AcceptedPolicy: Sendable {
    /// What it says.
    var fleet: Fleet
    /// The coordinator's own file, from whose folder relative paths count.
    var file: String
    /// Its bytes.
    var text: [UInt8]
    /// BLAKE3 of the bytes, in hexadecimal.
    var digest: String
    /// The roots in the fleet's trust folder, by version; at least one.
    var roots: [Int64: [UInt8]]

    /// Largest fleet.yaml read: 10,000 mirrors with a line each are below 2 MiB.
    private static let largestFile = 16 << 20

    /// Reads the file `path`.
    ///
    /// - Throws: `StartError.policy` with every mistake as it is, `StartError.configuration`.
    init(file path: String) throws(StartError) {
        try self.init(text: Self.read(path, "policy"), file: path)
    }

    /// Takes `text` as if it stood in the file `path`. Throws as the other does.
    init(text: [UInt8], file path: String) throws(StartError) {
        file = path
        do {
            fleet = try FleetFile.parse(text, file: path)
        } catch {
            throw .policy(text: error.description)
        }
        self.text = text
        digest = BLAKE3.hash(text).hex
        do {
            roots = try MetadataFolder(path: "\(fleet.trust.folder)/metadata").read().roots
        } catch {
            throw .configuration(
                message: "cannot read the fleet's roots: \(error)",
                hint:
                    "copy metadata/ of the operator's trust folder to \(fleet.trust.folder): fleet.yaml names it there")
        }
        guard !roots.isEmpty else {
            throw .configuration(
                message: "there is no root in \(fleet.trust.folder)/metadata",
                hint: "copy metadata/ of the operator's trust folder, which fleetctl trust init made")
        }
    }

    /// Which of two rules: this file, as it was read now, or the text that an operator applied last. Who spoke last does,
    /// and a file that is what it was at the last start says nothing new.
    ///
    /// - Throws: `StartError` if the applied text cannot be used any more; what the database says.
    func inForce(_ database: StateDatabase, _ logger: Logger) throws -> AcceptedPolicy {
        if try database.setting(.fileDigest) == digest, let applied = try database.newestPolicy(),
            BLAKE3.hash(applied).hex != digest
        {
            logger.notice("goes by the fleet.yaml that was applied, not by its own file, which is older")
            return try AcceptedPolicy(text: applied, file: file)
        }
        try database.save(.fileDigest, digest)
        return self
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
