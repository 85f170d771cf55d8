import FleetCertificates
import LinuxIO
import UpdateFramework

/// A key that only a program of the operator's can use: one in a security module, or held by an agent.
///
/// The program gets the message on standard input and writes the bare signature to standard output. It may ask a person
/// on standard error and the terminal. What it writes counts only if it verifies.
struct ExternalSigner: MetadataSigner {
    /// Somebody may have to touch a token. An origin gives a draft up if it is not signed within 60 seconds.
    private static let deadline = Duration.seconds(50)

    let key: MetadataKey
    let kind: SigningKeyKind
    let command: [String]
    /// The key file, for errors.
    let file: String

    /// The signature over `message`. Throws `CredentialError`.
    func sign(_ message: [UInt8]) throws -> [UInt8] {
        let outcome: FilterOutcome
        do {
            // A byte more than a signature, so that a longer answer is not taken for one.
            outcome = try runFilter(
                command, input: message, limit: kind.signatureByteCount + 1, deadline: Self.deadline)
        } catch {
            throw failure("its signer cannot be started: \(error)")
        }
        switch outcome {
        case .output(let signature):
            guard key.verifying?.isValid(signature, for: message) == true else {
                throw failure(
                    "its signer \(command[0]) wrote \(signature.count) bytes that are no signature of this key")
            }
            return signature
        case .failed(let code): throw failure("its signer \(command[0]) ended with code \(code)")
        case .tooLong: throw failure("its signer \(command[0]) wrote more than a signature has")
        case .late: throw failure("its signer \(command[0]) was not done within \(Self.deadline)")
        }
    }

    private func failure(_ message: String) -> CredentialError {
        CredentialError(
            .signer, file, message,
            remedy: "it takes the message on standard input and writes the \(kind.signatureByteCount) bytes of the"
                + " signature to standard output; try it by hand")
    }
}
