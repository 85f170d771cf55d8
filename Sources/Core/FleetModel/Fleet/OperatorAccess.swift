/// The `operator` part of fleet.yaml: how fleetctl proves who it is. All three are paths of PEM files.
package struct OperatorAccess: Codable, Sendable, Hashable {
    /// The operator's certificate.
    package var certificatePath: String
    /// The private key of that certificate.
    package var keyPath: String
    /// The certificate of the fleet's own authority.
    package var authorityPath: String

    /// Makes the value from its parts; nothing is checked.
    package init(
        certificatePath: String,
        keyPath: String,
        authorityPath: String
    ) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.authorityPath = authorityPath
    }
}
