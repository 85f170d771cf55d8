package import FleetModel

/// Body of `POST /v1/reports`: one of the two.
package struct ReportSubmission: Codable, Sendable, Equatable {
    /// The encoded `SignedReport`: the report's JSON and a signature by the key of the sender's certificate.
    package var report: Base64Bytes?
    /// The encoded `SignedReportPatch`: the same, in terms of the last report that was taken.
    package var patch: Base64Bytes?

    /// Wraps an encoded `SignedReport`.
    package init(report: [UInt8]) {
        self.report = Base64Bytes(report)
    }

    /// Wraps an encoded `SignedReportPatch`.
    package init(patch: [UInt8]) {
        self.patch = Base64Bytes(patch)
    }
}

/// Answer to `POST /v1/reports`.
package struct ReportReceipt: Codable, Sendable, Equatable {
    /// Seconds until the next report is due.
    package var interval: Int
    /// Releases that the report names and the coordinator does not have; only ever asked of an origin.
    package var wantedReleases: [ReleaseName]

    /// A receipt.
    package init(interval: Int, wantedReleases: [ReleaseName]) {
        self.interval = interval
        self.wantedReleases = wantedReleases
    }
}

/// A release by its set and its sequence.
package struct ReleaseName: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Name of the content set.
    package var set: String
    /// The release's number.
    package var sequence: UInt64

    /// Names a release.
    package init(set: String, sequence: UInt64) {
        self.set = set
        self.sequence = sequence
    }

    /// `SET/SEQUENCE`.
    package var description: String {
        "\(set)/\(sequence)"
    }

    /// By set, then by sequence.
    package static func < (left: ReleaseName, right: ReleaseName) -> Bool {
        (left.set, left.sequence) < (right.set, right.sequence)
    }
}

/// Where a report stands in the order of one mirror's reports.
///
/// A report is taken if its number is above that of the last one taken, or if its agent started later: an agent that
/// keeps its number over restarts and one that begins again at 1 are both understood. One that did neither, because
/// its clock was set back, is refused with the last place, and goes on with a number above that.
package struct ReportPlace: Codable, Sendable, Hashable {
    /// When the agent started, in seconds since 1970 by its own clock; 0 if it does not say.
    package var startedAt: Int64
    /// The report's number since that start.
    package var number: UInt64

    /// A place.
    package init(startedAt: Int64, number: UInt64) {
        self.startedAt = startedAt
        self.number = number
    }

    /// Whether a report at this place is taken after one at `last`.
    package func follows(_ last: ReportPlace) -> Bool {
        number > last.number || startedAt > last.startedAt
    }
}

/// The last report that the coordinator took from one mirror.
package struct ReportRecord: Codable, Sendable, Equatable {
    /// The mirror's name.
    package var mirror: String
    /// When it was taken, in seconds since 1970 by the coordinator's clock.
    package var receivedAt: Int64
    /// The report.
    package var report: MirrorReport

    /// A record.
    package init(mirror: String, receivedAt: Int64, report: MirrorReport) {
        self.mirror = mirror
        self.receivedAt = receivedAt
        self.report = report
    }
}

/// Answer to `GET /v1/reports`: ascending by mirror.
package struct ReportList: Codable, Sendable, Equatable {
    /// One for each mirror that ever reported.
    package var reports: [ReportRecord]

    /// A list.
    package init(reports: [ReportRecord]) {
        self.reports = reports
    }
}
