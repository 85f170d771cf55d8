/// The moments of the coordinator's work between which its state on disk differs: where tests kill it.
package enum CoordinatorPhase: String, CaseIterable, Sendable {
    /// A release is verified and not kept yet.
    case releaseVerified = "release-verified"
    /// It is durable and not yet known to those who wait.
    case releaseSaved = "release-saved"
    /// The agents are about to be called for fresh reports.
    case reportsWanted = "reports-wanted"
    /// A report is durable and its receipt not sent.
    case reportSaved = "report-saved"
    /// A plan is made and not kept yet.
    case planMade = "plan-made"
    /// It is durable and nobody was told.
    case planSaved = "plan-saved"
    /// The agents' polls are being answered with it; the operator was not told.
    case planHandedOut = "plan-handed-out"
    /// A new term is durable and the operator was not told.
    case termSaved = "term-saved"
    /// A changed fleet.yaml is durable and not in force yet.
    case policySaved = "policy-saved"
}
