import ArgumentParser

/// What the exit codes of `fleetctl` mean; `check` alone uses those of Nagios.
package enum ExitStatus: Int32, Sendable {
    case done = 0
    case failed = 1
    /// `plan --detailed-exitcode`: there is something to do.
    case changesPending = 2
    /// Some mirrors did not get there.
    case someMirrorsFailed = 3
    /// A safety rule forbids it.
    case refused = 4
    /// Unreachable or busy: the same command may work later.
    case tryAgain = 5
    case usage = 64
    case badConfiguration = 78
    case interrupted = 130

    var code: ExitCode { ExitCode(rawValue) }

    /// The table for `--help`.
    static let help = """
        EXIT CODES
          0 done   1 failed   2 changes pending (--detailed-exitcode)   3 some mirrors failed
          4 refused by a safety rule   5 try again later (unreachable, busy)
          64 wrong usage   78 bad fleet.yaml   130 interrupted
        """
}

/// A failure of a command: what is shown, and the exit code.
package struct FleetctlError: Error {
    package let status: ExitStatus
    package let message: String
    package let hint: String?

    package init(_ status: ExitStatus, _ message: String, hint: String? = nil) {
        self.status = status
        self.message = message
        self.hint = hint
    }
}
