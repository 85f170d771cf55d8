import ArgumentParser
import FleetAPI
import FleetModel

/// `fleetctl release`: what was published.
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "List releases, show one, compare two, or go back to one.",
        discussion: """
            EXAMPLES
              fleetctl -f fleet.yaml release list debian
              fleetctl -f fleet.yaml release show debian 7
              fleetctl -f fleet.yaml release diff debian 6 7
              fleetctl -f fleet.yaml release rollback debian
            """,
        subcommands: [List.self, Show.self, Diff.self, ReleaseRollbackCommand.self])

    /// What `list -o json` and `show -o json` say of one release.
    private struct Row: Encodable {
        var set: String
        var sequence: UInt64
        var root: String
        var digest: String
        var files: UInt64
        var entries: UInt64
        var bytes: UInt64
        var publishedAt: Int64
        var registeredAt: Int64
        var contents: [EntryLine]?

        init(_ release: RegisteredRelease) {
            set = release.set
            sequence = release.sequence
            root = release.root
            digest = release.digest
            files = release.files
            entries = release.entries
            bytes = release.bytes
            publishedAt = release.publishedAt
            registeredAt = release.registeredAt
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the releases of a set, or of every set.",
            discussion: """
                EXAMPLES
                  fleetctl -f fleet.yaml release list
                  fleetctl -f fleet.yaml release list debian -o json
                """)

        @OptionGroup var option: FleetOption
        @OptionGroup var output: OutputOption
        @Argument(help: "The set.") var set: String?

        func run() async throws {
            let session = try FleetSession(option)
            if let set { _ = try session.set(set) }
            let releases = try await session.coordinator().releases(set: set)
            switch output.format {
            case .json: try printJSON(releases.map(Row.init))
            case .table:
                if releases.isEmpty {
                    session.terminal.note(
                        "no release yet: \(session.command) publish \(set ?? "SET") DIRECTORY")
                }
                var table = TextTable(
                    ["SET", "RELEASE", "FILES", "BYTES", "PUBLISHED", "ROOT"], rightAligned: [1, 2, 3])
                for release in releases {
                    table.add([
                        release.set, String(release.sequence), Quantity.count(release.files),
                        Quantity.describe(bytes: release.bytes), CivilTime.text(release.publishedAt),
                        String(release.root.prefix(16)),
                    ])
                }
                print(table.text(width: nil), terminator: "")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one release and what is in it.",
            discussion: """
                EXAMPLES
                  fleetctl -f fleet.yaml release show debian 7
                """)

        @OptionGroup var option: FleetOption
        @OptionGroup var output: OutputOption
        @Argument(help: "The set.") var set: String
        @Argument(help: "The release's number.") var sequence: UInt64

        func run() async throws {
            let session = try FleetSession(option)
            let policy = try session.set(set)
            guard let release = try await session.coordinator().release(set: set, sequence: sequence) else {
                throw FleetctlError(
                    .failed, "\(set) has no release \(sequence)",
                    hint: "\(session.command) release list \(set)")
            }
            var command = AgentCommand(.entries, set: set)
            command.sequence = sequence
            let lines = try await entryLines(of: command, policy: policy, session: session)
            switch output.format {
            case .json:
                var row = Row(release)
                row.contents = lines
                try printJSON(row)
            case .table:
                print(
                    """
                    \(set) release \(sequence), published \(CivilTime.text(release.publishedAt))
                      root    \(release.root)
                      files   \(Quantity.count(release.files))
                      bytes   \(Quantity.describe(bytes: release.bytes))
                    """)
                for line in lines { print(line.text) }
            }
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what changed between two releases: + added, - removed, * changed.",
            discussion: """
                EXAMPLES
                  fleetctl -f fleet.yaml release diff debian 6 7
                """)

        @OptionGroup var option: FleetOption
        @OptionGroup var output: OutputOption
        @Argument(help: "The set.") var set: String
        @Argument(help: "The release to start from.") var from: UInt64
        @Argument(help: "The release to compare with.") var to: UInt64

        func run() async throws {
            let session = try FleetSession(option)
            let policy = try session.set(set)
            var command = AgentCommand(.diff, set: set)
            command.sequence = from
            command.other = to
            let lines = try await entryLines(of: command, policy: policy, session: session)
            switch output.format {
            case .json: try printJSON(lines)
            case .table: for line in lines { print(line.text) }
            }
        }
    }

    /// The lines that the agent of the set's origin answers with.
    private static func entryLines(
        of command: AgentCommand, policy: SetPolicy, session: FleetSession
    ) async throws -> [EntryLine] {
        let line = try await AgentLine.open(command, to: session.mirror(policy.origin), of: session)
        var lines: [EntryLine] = []
        while let event = try await line.next() {
            if let more = event.item?.lines { lines += more }
            if event.kind == .done { break }
        }
        await line.close()
        return lines
    }
}

extension EntryLine {
    /// The entry as `release show` and `release diff` print it.
    fileprivate var text: String {
        var parts: [String] = []
        if let change { parts.append(change) }
        let mark =
            switch type {
            case "directory": "d"
            case "symlink": "l"
            default: isExecutable == true ? "x" : "-"
            }
        if type != nil { parts.append(mark) }
        if let size, type == "file" {
            let digits = String(size)
            parts.append(String(repeating: " ", count: max(0, 12 - digits.count)) + digits)
        } else if type != nil {
            parts.append(String(repeating: " ", count: 12))
        }
        if let modified { parts.append(CivilTime.text(modified)) }
        parts.append(linkTarget.map { "\(path) -> \($0)" } ?? path)
        return parts.joined(separator: " ")
    }
}
