package import FleetAPI
import FleetCertificates
import HTTPTypes

/// A request that ends with a status of 400 or above, and the reason.
package struct RequestError: Error, Equatable {
    /// The HTTP status.
    var status: HTTPResponse.Status
    /// What the body says.
    package var refusal: Refusal

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String, hint: String? = nil) {
        self.status = status
        refusal = Refusal(code: code, message: message, hint: hint)
    }

    static let noIdentity = RequestError(
        .unauthorized, RefusalCode.noIdentity, "the certificate names no host or operator of a fleet",
        hint: "use one that the fleet's authority issued")

    /// The certificate is no longer, or not, that of a host that is believed.
    static func notBelieved(_ error: IdentityError) -> RequestError {
        RequestError(.forbidden, RefusalCode.notAllowed, "\(error)")
    }

    static func notAllowed(_ message: String, hint: String? = nil) -> RequestError {
        RequestError(.forbidden, RefusalCode.notAllowed, message, hint: hint)
    }

    static func badRequest(_ message: String) -> RequestError {
        RequestError(.badRequest, RefusalCode.badRequest, message)
    }

    /// What is asked for is at odds with what is there.
    static func conflict(_ code: String, _ message: String, hint: String) -> RequestError {
        RequestError(.conflict, code, message, hint: hint)
    }

    /// What was sent is well formed and not acceptable.
    static func unacceptable(_ code: String, _ message: String, hint: String? = nil) -> RequestError {
        RequestError(.unprocessableContent, code, message, hint: hint)
    }

    static func notFound(_ message: String) -> RequestError {
        RequestError(.notFound, RefusalCode.notFound, message)
    }

    static func tooLarge(_ limit: Int) -> RequestError {
        RequestError(.contentTooLarge, RefusalCode.tooLarge, "the body is larger than \(limit) bytes")
    }

    static func busy(_ message: String) -> RequestError {
        notNow(RefusalCode.busy, message, hint: "try again in a few seconds")
    }

    /// What is asked for cannot be done now, and may be later.
    static func notNow(_ code: String, _ message: String, hint: String) -> RequestError {
        RequestError(.serviceUnavailable, code, message, hint: hint)
    }

    static func unknownSet(_ name: String, known: [String]) -> RequestError {
        RequestError(
            .unprocessableContent, RefusalCode.unknownSet, "there is no set named \(name)",
            hint: "fleet.yaml has \(list(known))")
    }

    static func unknownMirror(_ name: String, known: [String]) -> RequestError {
        RequestError(
            .unprocessableContent, RefusalCode.unknownMirror, "there is no mirror named \(name)",
            hint: "fleet.yaml has \(list(known))")
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.sorted().prefix(12).joined(separator: ", ")
        return names.isEmpty ? "none" : names.count > 12 ? "\(shown) and \(names.count - 12) more" : shown
    }
}
