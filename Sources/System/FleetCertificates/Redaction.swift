// Values that hold a key never show it, whatever prints or dumps them.

extension HostCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "credentials of \(identity)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["identity": identity.uri]) }
}

extension CertificateAuthority: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "authority of fleet \(fleet), \(fingerprint)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["fleet": fleet, "fingerprint": fingerprint]) }
}

extension IssuedCertificate: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "certificate that counts until \(notAfter)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["notAfter": notAfter]) }
}
