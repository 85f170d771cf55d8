import Content
import LinuxIO
import Trust
import UpdateFramework

/// A file that asks for signatures: of a change of trust, of a release, or of yanked paths.
enum RequestFile {
    case trust(TrustChange)
    case release(ReleaseRequest)
    case yanks(YankRequest)

    /// The documents that wait, with their signatures.
    var asked: any SignatureRequest {
        switch self {
        case .trust(let change): change
        case .release(let request): request
        case .yanks(let request): request
        }
    }

    /// What is signed, in lines for whoever is asked to.
    var words: [String] {
        switch self {
        case .trust(let change): change.words
        case .release(let request): request.words
        case .yanks(let request): request.words
        }
    }

    /// The text of the file.
    var bytes: [UInt8] {
        switch self {
        case .trust(let change): change.file
        case .release(let request): request.file
        case .yanks(let request): request.file
        }
    }

    /// How the command begins that takes the file once all have signed.
    var importCommand: String {
        switch self {
        case .trust: "fleetctl trust import"
        case .release(let request): request.importCommand
        case .yanks(let request): request.importCommand
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
        case .yanks(var request):
            defer { self = .yanks(request) }
            return try request.sign(with: signer)
        }
    }

    /// Throws `FileError`, and a `FleetctlError` if `path` asks for nothing.
    static func read(_ path: String) throws -> RequestFile {
        let bytes = try Self.bytes(path)
        guard !RoleChange.isFile(bytes) else { return try role(bytes, path) }
        do throws(TrustFileError) {
            return .trust(try TrustChange(file: bytes))
        } catch {
            throw FleetctlError(
                .failed, "\(path): \(error)",
                hint: "ask for the file again: \(origins)")
        }
    }

    /// The commands that write such files.
    private static let origins =
        "fleetctl trust request > FILE, or fleetctl publish SET --request FILE, and so for yank and unyank"

    /// The request in `path`, which must be of this type. Throws as ``read(_:)``, and if it asks for something else.
    static func read<Request: SignatureRequest>(_ path: String, as type: Request.Type) throws -> Request {
        let file = try read(path)
        guard let request = file.asked as? Request else {
            throw FleetctlError(
                .usage, "\(path) asks for something else: \(file.words.first ?? "nothing")",
                hint: "\(file.importCommand) \(ShellWord.quoted(path))")
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

    private static func role(_ bytes: [UInt8], _ path: String) throws(FleetctlError) -> RequestFile {
        do {
            let change = try RoleChange(file: bytes)
            return YankRequest.isMeant(by: change)
                ? .yanks(try YankRequest(change)) : .release(try ReleaseRequest(change))
        } catch {
            throw FleetctlError(
                .refused, "\(path): \(error)",
                hint: "have it made again, with the --request of the command that made it")
        }
    }
}
