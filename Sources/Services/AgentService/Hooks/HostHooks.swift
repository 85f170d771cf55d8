import Content
import FleetModel
import Glibc
import LinuxIO
import Logging

/// Programs that the operator of this host runs at moments of a sync (docs/reference/hooks.md). They come from the host's
/// own disk, never from the network.
struct HostHooks: Sendable {
    /// When a program runs; its folder below `hooks.d` has this name.
    enum Moment: String, Sendable {
        /// Before anything is fetched. A failure stops the sync.
        case preSync = "pre-sync"
        /// Everything is here, verified and durable; the old release is served. A failure stops the sync.
        case preFlip = "pre-flip"
        /// The new release is served. A failure is logged.
        case postFlip = "post-flip"
        /// A sync failed. A failure is logged.
        case postFailure = "post-failure"
    }

    /// What a program is told of a sync.
    struct Facts: Sendable {
        let set: String
        let sequence: UInt64
        /// The manifest root in hex; empty while it is not known.
        var root = ""
        /// What is served before.
        var previous: UInt64?
        /// Why a sync failed.
        var reason: String?
    }

    /// For each program; a mirror whose hook hangs must not stay behind unseen.
    private static let deadline = Duration.seconds(60)
    /// Bytes of its output that are kept, for the log and for the reason of a failure.
    private static let outputLimit = 4_096

    /// The folder `hooks.d`, which need not be there.
    private let folder: String
    private let settings: AgentSettings
    private let logger: Logger

    /// The hooks of the host with `settings`, which lie in the folder `hooks.d` beside its configuration file.
    init(besideFile configuration: String, settings: AgentSettings, logger: Logger) {
        let parent = configuration.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        folder = (parent + ["hooks.d"]).joined(separator: "/")
        self.settings = settings
        self.logger = logger
    }

    /// Whether there is a program for a moment. Throws `HookFailure` as ``run(_:_:)``.
    func has(_ moment: Moment) throws(HookFailure) -> Bool {
        try !programs("\(folder)/\(moment.rawValue)", moment).isEmpty
    }

    /// Runs the programs of a moment, by name, one after the other. Blocks. Throws `HookFailure` for the first that fails,
    /// or that anybody else than root and this user could have written.
    func run(_ moment: Moment, _ facts: Facts) throws(HookFailure) {
        let place = "\(folder)/\(moment.rawValue)"
        for name in try programs(place, moment) {
            let end: HookEnd
            do {
                end = try runHook(
                    "\(place)/\(name)", environment: environment(moment, facts), limit: Self.outputLimit,
                    deadline: Self.deadline)
            } catch {
                throw HookFailure("\(moment.rawValue)/\(name)", "\(error)")
            }
            let last = end.output.split(separator: UInt8(ascii: "\n")).last
            let said = TerminalText.escape(last.map { Array($0) } ?? [])
            logger.info(
                "hook",
                metadata: [
                    "hook": "\(moment.rawValue)/\(name)", "set": "\(facts.set)", "code": "\(end.code ?? -1)",
                    "said": "\(said)",
                ])
            switch end.code {
            case 0?: continue
            case nil:
                throw HookFailure(
                    "\(moment.rawValue)/\(name)",
                    "was not done in \(Quantity.describe(seconds: Self.deadline.components.seconds))")
            case let code?:
                throw HookFailure(
                    "\(moment.rawValue)/\(name)", "ended with code \(code)" + (said.isEmpty ? "" : ": \(said)"))
            }
        }
    }

    /// The programs of a folder, sorted: plain files that may be executed, with names as run-parts(8) takes them.
    private func programs(_ place: String, _ moment: Moment) throws(HookFailure) -> [String] {
        let listing: [(name: String, attributes: FileAttributes?)]
        do {
            let open = try Folder.open(place)
            listing = try open.list().map { entry in
                (String(decoding: entry.name, as: UTF8.self), try open.stat(entry.name))
            }
        } catch {
            guard (error as? FileError)?.isNotFound == true else { throw HookFailure(moment.rawValue, "\(error)") }
            return []
        }
        var names: [String] = []
        for (name, attributes) in listing.sorted(by: { $0.name < $1.name }) {
            guard Self.isName(name), let attributes, attributes.type == .regular, attributes.isExecutable else {
                continue
            }
            guard attributes.user == 0 || attributes.user == geteuid(), attributes.permissions & 0o022 == 0 else {
                throw HookFailure(
                    "\(moment.rawValue)/\(name)", "others may write it, so it is not run: chown root and chmod 755 it")
            }
            names.append(name)
        }
        return names
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: "_")
            }
    }

    /// Everything that a program gets; nothing of the agent's own environment.
    private func environment(_ moment: Moment, _ facts: Facts) -> [String] {
        [
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "LC_ALL=C.UTF-8", "FLEET_HOOK=\(moment.rawValue)",
            "FLEET_NAME=\(settings.fleet)", "FLEET_HOST=\(settings.name)", "FLEET_SET=\(facts.set)",
            "FLEET_SEQUENCE=\(facts.sequence)",
            "FLEET_ROOT=\(facts.root)", "FLEET_PREVIOUS=\(facts.previous.map(String.init) ?? "")",
            "FLEET_TREE=\(settings.dataPath)/\(facts.set)",
        ] + (facts.reason.map { ["FLEET_REASON=\($0)"] } ?? [])
    }
}

/// A hook that failed: which, and how.
struct HookFailure: Error, CustomStringConvertible {
    private let hook: String
    private let how: String

    init(_ hook: String, _ how: String) {
        self.hook = hook
        self.how = how
    }

    var description: String { "the hook \(hook) \(how)" }
}
