/// The line and exit code of `fleetctl check`, as Nagios and its kin want them.
package struct CheckLine: Sendable, Hashable {
    /// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    package var exitCode: Int32
    /// `FLEET WORD - text|performance data`.
    package var line: String

    /// The verdict on `status`.
    package static func render(_ status: FleetStatus) -> CheckLine {
        CheckLine(exitCode: 3, line: "FLEET UNKNOWN - not computed")
    }
}
