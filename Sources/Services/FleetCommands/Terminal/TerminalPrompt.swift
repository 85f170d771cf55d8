import Glibc

/// Questions to the person at the terminal, also when standard input and output are files.
enum TerminalPrompt {
    /// More than a passphrase may have.
    private static let lineByteCount = 4_096
    private static let interrupt: UInt8 = 3

    /// Asks for a secret, which is not shown. Throws a `FleetctlError` with `hint` if there is no terminal.
    static func secret(_ question: String, hint: String) throws(FleetctlError) -> [UInt8] {
        try ask("\(question): ", isSecret: true, hint: hint)
    }

    /// Whether the answer is `yes`. Throws a `FleetctlError` with `hint` if there is no terminal.
    static func confirm(_ question: String, hint: String) throws(FleetctlError) -> Bool {
        try ask("\(question) (yes) ", isSecret: false, hint: hint) == Array("yes".utf8)
    }

    /// A line of text. Throws a `FleetctlError` with `hint` if there is no terminal, or it is no text.
    static func text(_ question: String, hint: String) throws(FleetctlError) -> String {
        guard let text = String(validating: try ask("\(question): ", isSecret: false, hint: hint), as: UTF8.self) else {
            throw FleetctlError(.usage, "the answer is not UTF-8", hint: hint)
        }
        return text
    }

    private static func ask(_ question: String, isSecret: Bool, hint: String) throws(FleetctlError) -> [UInt8] {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else {
            throw FleetctlError(.usage, "there is no terminal to ask at: \(question)", hint: hint)
        }
        defer { close(terminal) }
        var before = termios()
        let isSet = isSecret && tcgetattr(terminal, &before) == 0
        if isSet {
            var quiet = before
            // Interruption is a character too, so that nothing ends the program while nothing is shown.
            quiet.c_lflag &= ~tcflag_t(ECHO | ISIG)
            tcsetattr(terminal, TCSAFLUSH, &quiet)
        }
        defer {
            if isSet {
                tcsetattr(terminal, TCSAFLUSH, &before)
                Terminal.write("\n", to: terminal)
            }
        }
        fflush(nil)
        Terminal.write(question, to: terminal)
        var line: [UInt8] = []
        while line.count < lineByteCount {
            var byte: UInt8 = 0
            let count = read(terminal, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { throw FleetctlError(.usage, "nobody answered: \(question)", hint: hint) }
            if byte == UInt8(ascii: "\n") { return line }
            guard byte != interrupt else { throw FleetctlError(.interrupted, "interrupted") }
            line.append(byte)
        }
        throw FleetctlError(.usage, "the answer has more than \(lineByteCount) bytes", hint: hint)
    }
}
