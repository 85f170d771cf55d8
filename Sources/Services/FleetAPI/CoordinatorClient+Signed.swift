package import FleetModel
package import Trust

extension CoordinatorClient {
    /// Hands in a signed report: see `submit(report:)`.
    package func submit(_ report: SignedReport) async throws -> ReportReceipt {
        try await submit(report: report.encode())
    }

    /// Hands in a signed report in terms of the one before: see `submit(patch:)`.
    package func submit(_ patch: SignedReportPatch) async throws -> ReportReceipt {
        try await submit(patch: patch.encode())
    }

    /// Registers a signed release of `set`: see `register(release:set:)`.
    package func register(_ release: SignedRelease, set: String) async throws -> RegisteredRelease {
        try await register(release: release.encode(), set: set)
    }
}
