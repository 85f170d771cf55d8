import ArgumentParser
import Glibc
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
    private static let byteLimit = 1_024

    /// The passphrase of all keys; nil: typed for each.
    let given: [UInt8]?

    /// The passphrase of the key in `file`. Throws a `FleetctlError` if there is no terminal to type it on.
    func passphrase(_ file: String) throws -> [UInt8] {
        if let given { return given }
        return try Self.typed("passphrase of \(file): ")
    }

    /// What is typed after `prompt`.
    static func typed(_ prompt: String) throws -> [UInt8] {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else {
            throw FleetctlError(
                .failed, "a passphrase is needed, and there is no terminal to type it on",
                hint: "give it with --passphrase-file FILE")
        }
        defer { close(terminal) }
        var shown = termios()
        guard tcgetattr(terminal, &shown) == 0 else {
            throw FleetctlError(.failed, "the terminal cannot be set up: \(String(cString: strerror(errno)))")
        }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        guard tcsetattr(terminal, TCSAFLUSH, &hidden) == 0 else {
            throw FleetctlError(.failed, "the terminal cannot be set up: \(String(cString: strerror(errno)))")
        }
        defer { tcsetattr(terminal, TCSAFLUSH, &shown) }
        write(prompt, to: terminal)
        var typed: [UInt8] = []
        var byte: UInt8 = 0
        while read(terminal, &byte, 1) == 1, byte != UInt8(ascii: "\n"), typed.count < byteLimit { typed.append(byte) }
        write("\n", to: terminal)
        return typed
    }

    private static func write(_ text: String, to terminal: Int32) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(terminal, bytes, bytes.count)
    }
}
