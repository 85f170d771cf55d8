package import Trust

extension CoordinatorClient {
    /// Hands in a signed report: see `submit(report:)`.
    /// - Throws: `APIError`, or `CancellationError`.
    package func submit(_ report: SignedReport) async throws -> ReportReceipt {
        try await submit(report: report.encode())
    }

    /// Hands in a signed report in terms of the one before: see `submit(patch:)`.
    /// - Throws: `APIError`, or `CancellationError`.
    package func submit(_ patch: SignedReportPatch) async throws -> ReportReceipt {
        try await submit(patch: patch.encode())
    }
}
