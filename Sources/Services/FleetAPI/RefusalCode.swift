/// The words that stand in `Refusal.code`. Programs rely on them; a new one needs a line in docs/reference/api.md.
package enum RefusalCode {
    /// The body or the query is not what the endpoint takes.
    package static let badRequest = "bad-request"
    /// The peer's certificate does not say who it is.
    package static let noIdentity = "no-identity"
    /// The role, or the very host, may not do this.
    package static let notAllowed = "not-allowed"
    /// There is no such thing, or no such endpoint.
    package static let notFound = "not-found"
    /// The body is larger than the endpoint takes.
    package static let tooLarge = "too-large"
    /// No room now; try again.
    package static let busy = "busy"
    /// The report is signed by another key than the certificate's, or not at all.
    package static let reportSignature = "report-signature"
    /// The report came as a patch of one that the coordinator does not have.
    package static let reportBase = "report-base"
    /// The report is not above the last one taken.
    package static let reportNotNewer = "report-not-newer"
    /// The release's signature or document is not acceptable.
    package static let releaseNotTrusted = "release-not-trusted"
    /// A release of that sequence or a higher one is registered already.
    package static let releaseNotNewer = "release-not-newer"
    /// fleet.yaml does not name that set.
    package static let unknownSet = "unknown-set"
    /// fleet.yaml does not name that mirror.
    package static let unknownMirror = "unknown-mirror"
    /// The coordinator has no issuing key.
    package static let noIssuingKey = "no-issuing-key"
    /// The host is not one that joins by token.
    package static let notEnrollable = "not-enrollable"
    /// What an operator is said to have said is not signed so, or an older word than the last.
    package static let standingRefused = "standing-refused"
    /// The token is unknown, used, or expired.
    package static let tokenRefused = "token-refused"
    /// A fleet.yaml that this coordinator cannot go by.
    package static let policyRefused = "policy-refused"
    /// No mirror has reported yet: nothing can be planned now.
    package static let noReports = "no-reports"
    /// The coordinator has lost its plans: an operator must declare a new term first.
    package static let termNeeded = "term-needed"
    /// The declared term is not signed by an operator, not for this coordinator, or not above those before.
    package static let termRefused = "term-refused"
    /// A fault of the coordinator; its log says more.
    package static let `internal` = "internal"
}
