import Content
import LinuxIO
import Trust
import UpdateFramework

/// A file that asks for signatures: of a change of trust, or of a release.
enum RequestFile {
    case trust(TrustChange)
    case release(ReleaseRequest)

    /// The documents that wait, with their signatures.
    var asked: any SignatureRequest {
        switch self {
        case .trust(let change): change
        case .release(let request): request
        }
    }

    /// What is signed, in lines for whoever is asked to.
    var words: [String] {
        switch self {
        case .trust(let change): change.words
        case .release(let request): request.words
        }
    }

    /// The text of the file.
    var bytes: [UInt8] {
        switch self {
        case .trust(let change): change.file
        case .release(let request): request.file
        }
    }

    /// How the command begins that takes the file once all have signed.
    var importCommand: String {
        switch self {
        case .trust: "fleetctl trust import"
        case .release(let request): "fleetctl publish \(request.release.set) --import"
        }
    }

    /// Adds the signatures of `signer` to every document that its key is named for; which these are. Throws what the
    /// signer throws.
    mutating func sign(with signer: any MetadataSigner) throws -> [RoleName] {
        switch self {
        case .trust(var change):
            defer { self = .trust(change) }
            return try change.sign(with: signer)
        case .release(var request):
            defer { self = .release(request) }
            return try request.sign(with: signer)
        }
    }

    /// Throws `FileError`, and a `FleetctlError` if `path` is neither.
    static func read(_ path: String) throws -> RequestFile {
        let bytes = try Self.bytes(path)
        guard !RoleChange.isFile(bytes) else { return .release(try release(bytes, path)) }
        do throws(TrustFileError) {
            return .trust(try TrustChange(file: bytes))
        } catch {
            throw FleetctlError(
                .failed, "\(path): \(error)",
                hint: "ask for the file again: \(origins)")
        }
    }

    /// The commands that write such files.
    private static let origins = "fleetctl trust request > FILE, or fleetctl publish SET --request FILE"

    /// The change of trust in `path`. Throws as ``read(_:)``, and if it asks for something else.
    static func readTrust(_ path: String) throws -> TrustChange {
        guard case .trust(let change) = try read(path) else {
            throw FleetctlError(
                .usage, "\(path) is a release that waits for signatures, no change of trust",
                hint: "fleetctl publish SET --import \(ShellWord.quoted(path))")
        }
        return change
    }

    /// The release in `path`. Throws as ``read(_:)``, and if it asks for something else.
    static func readRelease(_ path: String) throws -> ReleaseRequest {
        guard case .release(let request) = try read(path) else {
            throw FleetctlError(
                .usage, "\(path) is a change of trust, no release",
                hint: "fleetctl trust import \(ShellWord.quoted(path))")
        }
        return request
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        let limit = max(RoleChange.fileByteCount, TrustChange.fileByteCount)
        do {
            return try OpenFile.open(Array(path.utf8)).readAll(limit: limit + 1)
        } catch {
            guard error.isNotFound else { throw error }
            throw FleetctlError(
                .failed, error.description, hint: "give the file that was signed; it comes from \(origins)")
        }
    }

    private static func release(_ bytes: [UInt8], _ path: String) throws -> ReleaseRequest {
        do throws(ReleaseRequestError) {
            return try ReleaseRequest(file: bytes)
        } catch {
            throw FleetctlError(
                .refused, "\(path): \(error)", hint: "ask for the file again: fleetctl publish SET --request FILE")
        }
    }
}
