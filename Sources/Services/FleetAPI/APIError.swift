/// What a call of the coordinator can end in, in words for an operator.
package enum APIError: Error, Sendable, Equatable {
    /// No answer: not running, wrong address, network, or too slow. Try again later.
    case unreachable(address: String, reason: String)
    /// The coordinator is up and cannot do it now. Try again later.
    case notNow(Refusal)
    /// One of the two certificates does not allow it: the server is not the fleet's coordinator, or it refused us.
    case notAllowed(message: String, hint: String)
    /// The coordinator understood and said no.
    case refused(Refusal)
    /// An answer that is none of this API.
    case malformed(what: String)
}

extension APIError {
    /// What happened, without what to do.
    package var message: String {
        switch self {
        case .unreachable(let address, let reason): "the coordinator at \(address) cannot be reached: \(reason)"
        case .notNow(let refusal):
            refusal.code == RefusalCode.busy ? "the coordinator is busy: \(refusal.message)" : refusal.message
        case .notAllowed(let message, _): message
        case .refused(let refusal): refusal.message
        case .malformed(let what): "the coordinator's answer makes no sense: \(what)"
        }
    }

    /// What to do next; nil if there is nothing to say.
    package var hint: String? {
        switch self {
        case .unreachable: "is fleet-coordinator running, and is its address right in fleet.yaml and agent.yaml?"
        case .notNow(let refusal): refusal.hint ?? "try again in a few seconds"
        case .notAllowed(_, let hint): hint
        case .refused(let refusal): refusal.hint
        case .malformed: "is the program at that address fleet-coordinator, of the same version?"
        }
    }

    /// The exit code of a command that ends with this error: 5 for what may pass by itself, else 1.
    package var exitCode: Int32 {
        switch self {
        case .unreachable, .notNow: 5
        case .notAllowed, .refused, .malformed: 1
        }
    }
}

extension APIError: CustomStringConvertible {
    /// The message, and the hint if there is one.
    package var description: String {
        hint.map { "\(message) (hint: \($0))" } ?? message
    }
}

/// Why a request was refused: the `error` of an error body.
package struct Refusal: Codable, Sendable, Equatable {
    /// A word that programs may rely on, such as `release-not-newer`; listed in docs/reference/api.md.
    package var code: String
    /// What is wrong, with the values.
    package var message: String
    /// What to do about it.
    package var hint: String?
    /// With code `report-not-newer`: place of the last report that was taken.
    package var lastReport: ReportPlace?

    /// A refusal.
    package init(code: String, message: String, hint: String? = nil, lastReport: ReportPlace? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.lastReport = lastReport
    }
}

/// Body of every answer with a status of 400 and above.
package struct ErrorBody: Codable, Sendable, Equatable {
    /// What went wrong.
    package var error: Refusal

    /// Wraps a refusal.
    package init(_ error: Refusal) {
        self.error = error
    }
}
