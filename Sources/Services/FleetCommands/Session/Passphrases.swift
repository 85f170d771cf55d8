import ArgumentParser
import LinuxIO

/// Where passphrases of key files come from.
struct PassphraseOption: ParsableArguments {
    @Option(
        name: .customLong("passphrase-file"),
        help: "A file whose first line is the passphrase of the keys. (default: typed on the terminal)")
    var file: String?

    /// Where to ask. Throws `FileError` if the file cannot be read.
    func passphrases() throws -> Passphrases {
        guard let file else { return Passphrases(given: nil) }
        let text = try OpenFile.open(Array(file.utf8)).readAll(limit: Passphrases.fileLimit)
        return Passphrases(given: Array(text.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }))
    }
}

/// Passphrases of key files: from a file, else typed on the terminal without being shown. Never in an argument or in the
/// environment, which other processes can read.
struct Passphrases {
    static let fileLimit = 8 << 10

    /// The passphrase of all keys; nil: typed for each.
    let given: [UInt8]?

    /// The passphrase of the key in `file`. Throws a `FleetctlError` if there is no terminal to type it on.
    func passphrase(_ file: String) throws -> [UInt8] {
        if let given { return given }
        return try TerminalPrompt.secret("passphrase of \(file)", hint: "give it with --passphrase-file FILE")
    }
}
