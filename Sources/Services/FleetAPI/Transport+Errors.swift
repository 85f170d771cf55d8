import AsyncHTTPClient
import Glibc
import NIOCore
import NIOPosix
import NIOSSL

extension Transport {
    /// What an answer with a status other than 200 means.
    static func error(status: UInt, body: [UInt8]) -> APIError {
        guard let refusal = try? WireJSON.decode(ErrorBody.self, from: body).error else {
            return .malformed(what: "status \(status) without a reason")
        }
        switch status {
        case 401, 403:
            return .notAllowed(message: refusal.message, hint: refusal.hint ?? "use a certificate that is allowed to")
        case 503: return .notNow(refusal)
        default: return .refused(refusal)
        }
    }

    /// What a failed exchange means. The libraries' own words are kept only where they say more than we can.
    static func error(_ error: any Error, address: String) -> APIError {
        switch error {
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            return .unreachable(address: address, reason: "no answer in time")
        case let error as HTTPClientError where error == .connectTimeout || error == .tlsHandshakeTimeout:
            return .unreachable(address: address, reason: "no connection in time")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            return .unreachable(address: address, reason: "it closed the connection")
        case let error as IOError:
            return .unreachable(address: address, reason: reason(of: error))
        case let error as NIOConnectionError:
            let first = error.connectionErrors.first?.error
            return .unreachable(
                address: address, reason: (first as? IOError).map(reason(of:)) ?? "its name cannot be resolved")
        case let error as NIOSSLError:
            return tlsError(String(describing: error), address: address)
        case let error as BoringSSLError:
            return tlsError(String(describing: error), address: address)
        default:
            return .unreachable(address: address, reason: "\(error)")
        }
    }

    private static func reason(of error: IOError) -> String {
        String(cString: strerror(error.errnoCode)).lowercased()
    }

    /// Alerts of TLS have no type of their own in the library: its texts are all there is.
    private static func tlsError(_ text: String, address: String) -> APIError {
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return .notAllowed(
                message: "the server at \(address) has no certificate of this fleet's authority",
                hint: "is the address right, and is the authority's file the fleet's?")
        }
        if text.contains("ALERT_CERTIFICATE_EXPIRED") {
            return .notAllowed(
                message: "the coordinator at \(address) refused our certificate: it has expired",
                hint: "issue a new one")
        }
        if text.contains("ALERT_") && (text.contains("CERTIFICATE") || text.contains("UNKNOWN_CA")) {
            return .notAllowed(
                message: "the coordinator at \(address) refused our certificate",
                hint: "is it issued by this fleet's authority?")
        }
        if text.contains("HANDSHAKE_FAILURE") || text.contains("NO_SHARED_GROUP") {
            return .notAllowed(
                message: "the server at \(address) does not speak TLS 1.3 with the key exchange X25519MLKEM768",
                hint: "is it fleet-coordinator?")
        }
        if text.contains("uncleanShutdown") || text.contains("eofDuringHandshake") {
            return .unreachable(address: address, reason: "it closed the connection")
        }
        return .unreachable(address: address, reason: "TLS: \(text)")
    }
}
