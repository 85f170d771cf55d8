package import Logging

/// What the command line says.
package struct CoordinatorConfiguration: Sendable {
    /// Path of fleet.yaml.
    package var fleet: String
    /// Folder of the state; nil: the one that fleet.yaml names.
    package var state: String?
    /// Path of the coordinator's certificate, PEM.
    package var certificate: String
    /// Path of its private key, PEM.
    package var key: String
    /// Path of the certificates of the fleet's authority, PEM.
    package var authority: String
    /// Paths of the issuing key's certificate and of the key, PEM; nil: `issuing.pem` and `issuing.key` beside the
    /// coordinator's certificate, if they are there.
    package var issuing: (certificate: String, key: String)?
    /// File to write `HOST:PORT` to once requests are answered.
    package var readyFile: String?
    /// Lowest level of what is logged.
    package var logLevel: Logger.Level = .info

    /// A configuration with the default log level and no ready file.
    package init(fleet: String, state: String? = nil, certificate: String, key: String, authority: String) {
        self.fleet = fleet
        self.state = state
        self.certificate = certificate
        self.key = key
        self.authority = authority
    }
}
