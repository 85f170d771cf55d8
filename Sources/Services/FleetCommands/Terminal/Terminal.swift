@preconcurrency import Glibc

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

    /// Columns and rows of the terminal on standard error; 80 and 24 when that is not known.
    package var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
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

    /// Sends what was printed on its way. Why some of it could not be written, so that no command ends well whose data
    /// a full disk has cut; nil also when the reader went away, as `head` does: that was its choice.
    package static func outputFailure() -> String? {
        let isFlushed = fflush(stdout) == 0
        let code = errno
        guard !isFlushed || ferror(stdout) != 0 else { return nil }
        var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        if poll(&output, 1, 0) > 0, output.revents & Int16(POLLERR) != 0 { return nil }
        return isFlushed ? "it was cut" : String(cString: strerror(code))
    }

    /// Replaces the last `count` lines of standard error by `lines`.
    package func redraw(_ lines: [String], over count: Int) {
        let width = size.columns
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
