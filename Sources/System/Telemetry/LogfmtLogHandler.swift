import Glibc
package import Logging

/// Writes one line for each event: `time=2026-01-02T03:04:05.678Z level=info msg="set synced" label=agent set=debian`.
///
/// Keys of metadata follow sorted, so that equal events give equal lines. A value is put in quotes if it has anything
/// but letters, digits and `_ - . / : @ + , %`; within quotes, `"` and `\` are escaped, and everything but printable
/// ASCII stands as `\n`, `\t` or `\u{...}`: no value can forge a line or a field, or drive a terminal. A line is
/// handed over in one piece and is at most 64 KiB long; what is beyond is cut off, and the line ends in `cut=true`.
/// For the journal a line begins with its priority, as `<4>`.
package struct LogfmtLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    /// The level of this logger; what is set here is no longer that of the others.
    package var logLevel: Logger.Level {
        get { ownLevel ?? sharedLevel.level }
        set { ownLevel = newValue }
    }

    private var ownLevel: Logger.Level?
    private let sharedLevel: LiveLevel
    private let label: String
    private let namesPriority: Bool
    private let now: @Sendable () -> (seconds: Int64, milliseconds: Int64)
    private let write: @Sendable ([UInt8]) -> Void

    /// A line longer than this is cut: what a peer sent must not fill the disk at once.
    private static let lineLimit = 65_536

    /// - Parameters:
    ///   - label: the part of the program, as `label=`.
    ///   - namesPriority: whether each line begins with its priority, as the journal takes it.
    ///   - now: the wall clock: seconds since 1970 and milliseconds of the second.
    ///   - write: takes a whole line with its newline; by default one write to standard error, whose failure is
    ///     ignored.
    package init(
        label: String, level: LiveLevel, namesPriority: Bool = false,
        now: @escaping @Sendable () -> (seconds: Int64, milliseconds: Int64) = LogfmtLogHandler.wallClock,
        write: @escaping @Sendable ([UInt8]) -> Void = LogfmtLogHandler.writeToStandardError
    ) {
        self.label = label
        sharedLevel = level
        self.namesPriority = namesPriority
        self.now = now
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields = metadata
        // What is nearer to the event wins over what is further away.
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let own = event.metadata { fields.merge(own) { $1 } }
        var line = namesPriority ? "<\(event.level.priority)>" : ""
        line += "time=" + timestamp(now()) + " level=\(event.level) msg=" + quoted(event.message.description)
        line += " label=" + value(label)
        for (name, field) in fields.sorted(by: { $0.key < $1.key }) {
            line += " " + key(name) + "=" + value(text(field))
        }
        if let error = event.error { line += " error=" + value("\(error)") }
        var bytes = Array(line.utf8)
        if bytes.count > Self.lineLimit {
            // Everything is ASCII by now. The quote closes a value that may have been cut in the middle.
            bytes = Array(bytes[..<Self.lineLimit].reversed().drop { $0 == UInt8(ascii: "\\") }.reversed())
            bytes += Array("\" cut=true".utf8)
        }
        bytes.append(UInt8(ascii: "\n"))
        write(bytes)
    }

    /// The system's wall clock.
    @Sendable package static func wallClock() -> (seconds: Int64, milliseconds: Int64) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), Int64(time.tv_nsec) / 1_000_000)
    }

    /// One write to standard error: lines of several threads do not mix.
    @Sendable package static func writeToStandardError(_ line: [UInt8]) {
        line.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(2, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { return }
                done += count
            }
        }
    }
}

extension Logger.Level {
    /// The priority of syslog(3).
    var priority: Int {
        switch self {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }
}

/// `2026-01-02T03:04:05.678Z`, in UTC.
private func timestamp(_ now: (seconds: Int64, milliseconds: Int64)) -> String {
    var time = time_t(now.seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    func digits(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
    let date = [digits(Int(parts.tm_year) + 1900, 4), digits(Int(parts.tm_mon) + 1, 2), digits(Int(parts.tm_mday), 2)]
    let clock = [digits(Int(parts.tm_hour), 2), digits(Int(parts.tm_min), 2), digits(Int(parts.tm_sec), 2)]
    return date.joined(separator: "-") + "T" + clock.joined(separator: ":") + "." + digits(Int(now.milliseconds), 3)
        + "Z"
}

/// A metadata value as text; the keys of a dictionary are sorted.
private func text(_ value: Logger.Metadata.Value) -> String {
    switch value {
    case .string(let text): text
    case .stringConvertible(let other): other.description
    case .array(let values): "[" + values.map(text).joined(separator: ", ") + "]"
    case .dictionary(let fields):
        "{" + fields.sorted { $0.key < $1.key }.map { $0.key + ": " + text($0.value) }.joined(separator: ", ") + "}"
    }
}

/// A key: anything that could end it, or be taken for a value, becomes `_`.
private func key(_ name: String) -> String {
    let scalars = name.unicodeScalars.map { isPlain($0) && $0 != ":" && $0 != "," && $0 != "%" ? $0 : "_" }
    return scalars.isEmpty ? "_" : String(String.UnicodeScalarView(scalars))
}

/// A value, in quotes if it needs them.
private func value(_ text: String) -> String {
    !text.isEmpty && text.unicodeScalars.allSatisfy(isPlain) ? text : quoted(text)
}

private func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", "/", ":", "@", "+", ",", "%": true
    default: false
    }
}

private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\":
            result += "\\"
            result.unicodeScalars.append(scalar)
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case " "..."~": result.unicodeScalars.append(scalar)
        default: result += "\\u{" + String(scalar.value, radix: 16) + "}"
        }
    }
    return result + "\""
}
