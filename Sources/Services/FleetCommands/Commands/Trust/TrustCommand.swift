import ArgumentParser

/// `fleetctl trust`: who may sign what in a fleet.
struct TrustCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Say who may sign what: keys, roles, thresholds; ceremonies without network.",
        discussion: """
            EXAMPLES
              fleetctl trust init --dir trust --fleet example --set debian
              fleetctl trust show --dir trust
              fleetctl trust add-key root --dir trust --key bob.pub --threshold 2
              fleetctl trust policy debian --dir trust --max-delete 30%
              fleetctl trust request --dir trust > change.json
              fleetctl trust sign change.json --key bob.key
              fleetctl trust import change.json --dir trust

            docs/guides/trust.md tells what to do when a key was lost or stolen.
            """,
        subcommands: [
            TrustInitCommand.self, TrustShowCommand.self, TrustAddKeyCommand.self, TrustRotateCommand.self,
            TrustRevokeCommand.self, TrustDelegateCommand.self, TrustThresholdCommand.self, TrustPolicyCommand.self,
            TrustExpireCommand.self,
            TrustRequestCommand.self, TrustSignCommand.self, TrustImportCommand.self, TrustDiscardCommand.self,
            TrustHandOverCommand.self, TrustNewKeyCommand.self, TrustExportCommand.self,
        ])
}
