import ArgumentParser
import FleetCertificates
import FleetModel
import Glibc
import LinuxIO

/// What `backup` and `restore` take.
private struct StateOptions: ParsableArguments {
    @OptionGroup var option: FleetOption
    @Argument(help: "The file of the backup.") var path: String
    @Option(help: "The coordinator's state folder. (default: coordinator.state in fleet.yaml)") var state: String?

    func place(_ session: FleetSession) -> CoordinatorState {
        CoordinatorState(folder: state ?? session.fleet.coordinator.statePath)
    }
}

/// `fleetctl backup`: the coordinator's state in one file.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write the coordinator's state into one file; it may run meanwhile.",
        discussion: """
            On the coordinator's host, as its user or root. The file holds one consistent state with a checksum, and has mode \
            0600. Secret keys are in it only with --with-keys. Hosts, trees and who may sign do not depend on it: they \
            survive the coordinator's loss without it.

            EXAMPLES
              fleetctl -f /etc/mirrorfleet/fleet.yaml backup /var/backups/fleet
              fleetctl -f /etc/mirrorfleet/fleet.yaml backup /root/fleet-with-keys --with-keys /etc/mirrorfleet
            """)

    @OptionGroup fileprivate var options: StateOptions
    @Option(help: "Also take the files *.pem and *.key of this folder: keep the backup as secret as those.")
    var withKeys: String?

    /// Key files beyond this are none.
    private static let keyLimit = 64

    func run() throws {
        let session = try FleetSession(options.option)
        let state = options.place(session)
        guard access(options.path, F_OK) != 0 else {
            throw FleetctlError(
                .refused, "\(options.path) is there already, and is not replaced", hint: "name another file")
        }
        let (parent, name) = TextFile.split(options.path)
        let folder = try Folder.open(parent)
        let copy = "\(name).\(getpid()).state"
        let draft = "\(name).\(getpid()).tmp"
        defer {
            _ = try? folder.unlinkIfPresent(copy)
            _ = try? folder.unlinkIfPresent(draft)
        }
        // The copy is as private as the state.
        umask(0o077)
        try state.copy(to: "\(parent)/\(copy)")
        let about = try CoordinatorState.describe("\(parent)/\(copy)")
        var files = [(name: BackupArchive.stateName, file: try folder.openFile(copy))]
        for key in try keyNames() {
            files.append(
                (BackupArchive.keyPrefix + key, try OpenFile.open(Array("\(withKeys ?? "")/\(key)".utf8))))
        }
        let entries = try files.map { name, file in
            let (size, blake3) = try digest(of: file)
            return BackupHeader.Entry(name: name, size: size, blake3: blake3)
        }
        let header = BackupHeader(
            fleet: about.fleet, createdAt: wallMilliseconds() / 1_000, program: FleetVersion.current,
            generation: about.generation, entries: entries)
        let target = try folder.createFile(draft, mode: 0o600)
        try BackupArchive.write(header, files.map(\.file), to: target)
        try folder.rename(Array(draft.utf8), to: Array(name.utf8), .noReplace)
        try folder.sync()
        let size = try target.attributes().size
        print(
            "wrote \(options.path): fleet \(about.fleet), \(Quantity.describe(bytes: size))"
                + (withKeys == nil ? ", without keys" : ", with \(entries.count - 1) files of keys and certificates"))
    }

    private func keyNames() throws -> [String] {
        guard let withKeys else { return [] }
        let names = try Folder.open(withKeys).list().filter { $0.type == .regular }
            .map { String(decoding: $0.name, as: UTF8.self) }.filter { $0.hasSuffix(".pem") || $0.hasSuffix(".key") }
        guard !names.isEmpty, names.count <= Self.keyLimit else {
            throw FleetctlError(
                .usage, "\(withKeys) has \(names.count) files of keys",
                hint: "name the folder of the coordinator's keys")
        }
        return names.sorted()
    }
}

/// `fleetctl restore`: a coordinator's state from a backup.
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put the coordinator's state of a backup in place.",
        discussion: """
            On the coordinator's host, as its user, while it is stopped. A state that made newer plans than the backup knows \
            is not replaced without --force; what was there is kept beside it. Plans, reports and tokens of the backup are \
            forgotten: as after the loss of the disk, hosts report first, and then an operator begins a new term, above all \
            that they follow.

            EXAMPLES
              fleetctl -f /etc/mirrorfleet/fleet.yaml restore /var/backups/fleet
              fleetctl -f fleet.yaml coordinator new-term         # later, on the operator's machine
            """)

    @OptionGroup fileprivate var options: StateOptions
    @Flag(help: "Replace a state that is newer than the backup.") var force = false
    @Option(help: "Write the keys of the backup into this folder, where none of their names is taken.") var keys:
        String?

    func run() throws {
        let session = try FleetSession(options.option)
        let state = options.place(session)
        let file = try OpenFile.open(Array(options.path.utf8))
        try TextFile.makeFolder(state.folder, mode: 0o700)
        let lock = try state.lock()
        defer { withExtendedLifetime(lock) {} }
        let folder = try Folder.open(state.folder)
        let draft = "restore.db"
        try folder.unlinkIfPresent(draft)
        defer { for suffix in ["", "-wal", "-shm"] { _ = try? folder.unlinkIfPresent(draft + suffix) } }
        let (header, keyFiles) = try extract(file, folder, draft)
        try expectOurs(header, session.fleet.name)
        try expectNotNewer(state, header)
        try CoordinatorState.renew("\(state.folder)/\(draft)")
        if let keys { try write(keyFiles, to: keys) }
        try giveToOwner(folder, draft)
        let old = try state.install(draft, at: wallMilliseconds() / 1_000)
        print("restored the state of \(CivilTime.text(header.createdAt)) in \(state.folder)")
        if let old { session.terminal.note("the state that was there is kept as \(old)") }
        session.terminal.note(
            "hint: start the coordinator, wait until every mirror has reported, then: \(session.command) coordinator new-term"
        )
    }

    private func extract(
        _ file: OpenFile, _ folder: Folder, _ draft: String
    ) throws -> (BackupHeader, [String: [UInt8]]) {
        let target = try folder.createFile(draft, mode: 0o600)
        var offset: UInt64 = 0
        var keyFiles: [String: [UInt8]] = [:]
        do {
            let header = try BackupArchive.read(file) { entry, bytes in
                if entry.name == BackupArchive.stateName {
                    try target.write(bytes, at: offset)
                    offset += UInt64(bytes.count)
                } else {
                    let name = String(entry.name.dropFirst(BackupArchive.keyPrefix.count))
                    guard entry.size <= UInt64(KeyFile.maximumByteCount) else {
                        throw BackupDamage(reason: "\(entry.name) is too large for a key")
                    }
                    keyFiles[name, default: []] += bytes
                }
            }
            return (header, keyFiles)
        } catch let damage as BackupDamage {
            throw FleetctlError(
                .failed, "\(options.path) cannot be restored: \(damage)",
                hint: "take an older backup; nothing was changed")
        }
    }

    private func expectOurs(_ header: BackupHeader, _ fleet: String) throws {
        guard header.fleet == fleet else {
            throw FleetctlError(
                .refused, "\(options.path) is of the fleet \(header.fleet), not of \(fleet)",
                hint: "name the right -f FILE")
        }
    }

    private func expectNotNewer(_ state: CoordinatorState, _ header: BackupHeader) throws {
        guard state.isThere, !force, let here = try CoordinatorState.describe(state.database).generation else { return }
        guard let kept = header.generation, kept >= here else {
            throw FleetctlError(
                .refused,
                "the state in \(state.folder) is newer: its last plan is \(here), that of the backup "
                    + "\(header.generation.map { "\($0)" } ?? "none")",
                hint: "if the backup is meant all the same, add --force")
        }
    }

    private func write(_ keyFiles: [String: [UInt8]], to keys: String) throws {
        guard !keyFiles.isEmpty else {
            throw FleetctlError(.failed, "\(options.path) has no keys", hint: "leave out --keys")
        }
        for (name, bytes) in keyFiles.sorted(by: { $0.key < $1.key }) {
            try KeyFile.write(
                String(decoding: bytes, as: UTF8.self), to: "\(keys)/\(name)", name.hasSuffix(".key") ? .secret : .open)
        }
    }

    /// Root restores for the coordinator's user.
    private func giveToOwner(_ folder: Folder, _ draft: String) throws {
        guard geteuid() == 0 else { return }
        let owner = try folder.attributes()
        let file = try folder.openFile(draft)
        guard fchown(file.descriptor, owner.user, owner.group) == 0 else {
            throw FleetctlError(.failed, "cannot give the state to its user: \(String(cString: strerror(errno)))")
        }
    }
}
