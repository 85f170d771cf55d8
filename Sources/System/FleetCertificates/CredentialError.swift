/// What is wrong with a certificate or key, where, and what to do about it.
package struct CredentialError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of thing went wrong, for programs.
    package enum Code: String, Hashable, Sendable {
        /// The file is not there, or cannot be read or written.
        case file
        /// There is a file already, and it is not replaced.
        case exists
        /// Others than the owner may read a secret.
        case exposed
        /// The contents are not what the file should hold.
        case malformed
        /// The certificate does not say who the host is.
        case identity
        /// The key is not that of the certificate.
        case otherKey
        /// The certificate is not issued by the authority.
        case otherAuthority
        /// The certificate or the authority does not count yet.
        case notYetValid
        /// The certificate or the authority does not count any more.
        case expired
        /// The authority cannot issue what was asked for.
        case notIssuable
        /// The passphrase is not that of the key.
        case passphrase
        /// A program that signs did not.
        case signer
    }

    /// What kind of thing went wrong.
    package let code: Code
    /// The file, or what was read if it is none.
    package let place: String
    /// What is wrong, with the values.
    package let message: String
    /// What to do.
    package let remedy: String

    /// The error `code` at `place`.
    package init(_ code: Code, _ place: String, _ message: String, remedy: String) {
        self.code = code
        self.place = place
        self.message = message
        self.remedy = remedy
    }

    package var description: String { "\(place): \(message): \(remedy)" }
}
