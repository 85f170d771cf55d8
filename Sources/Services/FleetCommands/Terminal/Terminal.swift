import Glibc

/// Where messages for people go (standard error), and what that place can show.
///
/// Data goes to standard output with `print`; everything else comes through here.
package struct Terminal: Sendable {
    /// Whether standard error is a terminal that can redraw a line.
    package let isInteractive: Bool
    /// Whether colours may be used: a terminal, and `NO_COLOR` is not set (https://no-color.org).
    package let usesColour: Bool

    /// The terminal of this process.
    package static let standard: Terminal = {
        let isTerminal = isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb"
        return Terminal(isInteractive: isTerminal, usesColour: isTerminal && environment("NO_COLOR") == nil)
    }()

    /// Columns of the terminal on standard error; 80 when that is not known.
    package var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes one line to standard error, after what was printed before it.
    package func note(_ line: String) {
        fflush(nil)
        Self.write(line + "\n", to: STDERR_FILENO)
    }

    /// Writes a warning to standard error.
    package func warn(_ line: String) {
        note(coloured("warning: ", .yellow) + line)
    }

    /// Replaces the last `count` lines of standard error by `lines`.
    package func redraw(_ lines: [String], over count: Int) {
        let width = columns
        var text = count > 0 ? "\u{1B}[\(count)A" : ""
        for line in lines { text += "\r\u{1B}[K" + String(line.prefix(width - 1)) + "\n" }
        Self.write(text, to: STDERR_FILENO)
    }

    /// Takes the last `count` lines of standard error away.
    package func erase(_ count: Int) {
        Self.write("\u{1B}[\(count)A\r\u{1B}[J", to: STDERR_FILENO)
    }

    /// `text` in `colour`, or as it is where colours are not wanted.
    package func coloured(_ text: String, _ colour: Colour) -> String {
        usesColour ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// The few colours used, as SGR codes.
    package enum Colour: Int {
        case red = 31
        case green = 32
        case yellow = 33
    }

    /// The value of the environment variable `name`; nil if there is none or it is empty.
    package static func environment(_ name: String) -> String? {
        guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        return value
    }

    /// Writes `text` to a descriptor; a reader that went away is not an error worth stopping for.
    package static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                return
            }
            rest = rest.dropFirst(written)
        }
    }
}
