import FleetCertificates
import Glibc

/// A folder with the certificates of the hosts of a benchmark: an origin and two mirrors.
struct StreamFolder {
    static let origin = "origin"
    static let mirror = "m1"
    /// For a second connection between the same processes.
    static let otherMirror = "m2"

    let path: String

    /// Makes one below the folder for temporary files.
    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/fleet-bench.XXXXXX".utf8CString)
        let isMade = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } != nil }
        guard isMade else {
            throw ServingProcess.Failure(description: "\(parent): \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let authority = try CertificateAuthority.create(fleet: "bench")
        try authority.save(certificatePath: "\(path)/ca.pem", keyPath: "\(path)/ca.key")
        for (role, name) in Self.hosts {
            try authority.issue(try FleetIdentity(fleet: "bench", role: role, name: name), days: 2)
                .save(certificatePath: "\(path)/\(name).pem", keyPath: "\(path)/\(name).key")
        }
    }

    /// One that another process has made.
    init(path: String) {
        self.path = path
    }

    private static let hosts: [(FleetRole, String)] = [(.origin, origin), (.agent, mirror), (.agent, otherMirror)]

    func credentials(of name: String) throws -> HostCredentials {
        try HostCredentials(
            certificatePath: "\(path)/\(name).pem", keyPath: "\(path)/\(name).key", authorityPath: "\(path)/ca.pem")
    }

    func remove() {
        for name in ["ca"] + Self.hosts.map(\.1) {
            unlink("\(path)/\(name).pem")
            unlink("\(path)/\(name).key")
        }
        rmdir(path)
    }
}
