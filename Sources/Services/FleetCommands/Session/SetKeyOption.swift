import ArgumentParser

/// Which secret keys sign for a set.
struct SetKeyOption: ParsableArguments {
    @Option(
        name: .customLong("key"),
        help: "The file of a key that signs, may be given again. (default: those of the set in the trust folder's keys)"
    )
    var files: [String] = []
    @OptionGroup var passphrase: PassphraseOption

    /// The opened keys of `set`. Throws a `FleetctlError` if there are fewer on this machine than `wanted`, by default as
    /// many as the role wants.
    func signers(of set: String, wanted: Int? = nil, _ session: FleetSession) throws -> SetRoleSigning.Signers {
        try SetRoleSigning(
            trust: OperatorTrust(session, keyFiles: files), set: set, passphrases: try passphrase.source()
        ).open(wanted: wanted)
    }
}
