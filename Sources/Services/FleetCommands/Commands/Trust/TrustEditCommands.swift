import ArgumentParser
import Glibc
import SigningKeys
import UpdateFramework

/// The options of every command that changes root or targets.
struct TrustEditOptions: ParsableArguments {
    @OptionGroup var place: TrustPlace
    @OptionGroup var output: OutputOption
    @Option(name: .customLong("sign-with"), help: "One more secret key to sign with, beside those of the trust folder.")
    var signers: [String] = []
    @Flag(name: .customLong("no-hand-over"), help: "Do not give it to the keeper now.") var isKept = false

    /// Shows what became of a change, and gives it to the keeper if it counts and the fleet is known. Throws as
    /// ``TrustHandOver``.
    func finish(_ outcome: TrustOutcome, _ folder: TrustFolder, _ passphrases: PassphraseSource) async throws {
        try outcome.show(output.format, place: place)
        try await handOver(outcome, folder, passphrases)
    }

    /// Gives a change to the keeper if it counts and the fleet is known. Throws as ``TrustHandOver``.
    func handOver(_ outcome: TrustOutcome, _ folder: TrustFolder, _ passphrases: PassphraseSource) async throws {
        guard outcome.isComplete, !isKept, let session = try place.session() else { return }
        do {
            let handed = try await TrustHandOver(session: session, folder: folder).run(passphrases: passphrases)
            if output.format == .table { try handed.show(.table) }
        } catch let error as FleetctlError {
            throw FleetctlError(
                error.status, "the change is signed, but the keeper did not take it: \(error.message)",
                hint: [error.hint, "then: \(place.command("hand-over"))"].compactMap { $0 }.joined(separator: "; "))
        }
    }
}

/// `fleetctl trust add-key`.
struct TrustAddKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-key",
        abstract: "Let one more key sign for a role.",
        discussion: """
            ROLE is root, targets, online (snapshot and timestamp), or a set's name.

            EXAMPLES
              fleetctl trust add-key root --dir trust --key bob.pub --threshold 2
              fleetctl trust add-key debian --dir trust --key robot.pub --owner "nightly job"
            """)

    @Argument(help: "The role.") var role: String
    @OptionGroup var options: TrustEditOptions
    @OptionGroup var passphrase: PassphraseOption
    @Option(help: "The public key: a file, or its line.") var key: String
    @Option(help: "Whose it is, in words. (default: the first comment of its file)") var owner: String?
    @Option(help: "How many keys have to sign from now on. (default: as before)") var threshold: Int?

    func run() async throws {
        let editing = try TrustEditing(options.place)
        var plan = TrustPlan(editing.trust)
        let owned = try PublicKeyArgument(key, owner: owner).owned
        for name in try RoleArgument(role, in: plan).roles { try plan.add(owned, to: name, threshold: threshold) }
        let source = try passphrase.source()
        try await options.finish(
            editing.carryOut(plan, more: options.signers, passphrases: source), editing.folder, source)
    }
}

/// `fleetctl trust rotate`.
struct TrustRotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Put a new key into the place of an old one.",
        discussion: """
            Without --key a new one is made in the trust folder, of the old one's kind; the old file stays. The old key may
            have to sign once more: for root it is one of those that let the new root in.

            EXAMPLES
              fleetctl trust rotate targets --dir trust
              fleetctl trust rotate root --dir trust --old 3f2a77e01b9c --key bob-2.pub
              fleetctl trust rotate online --dir trust        # then bring the new key to the keeper
            """)

    @Argument(help: "The role.") var role: String
    @OptionGroup var options: TrustEditOptions
    @OptionGroup var passphrase: NewPassphraseOption
    @Option(help: "The id of the key to replace. (default: the only one of the role that is here)") var old: String?
    @Option(help: "The new public key: a file, or its line.") var key: String?

    func run() async throws {
        let editing = try TrustEditing(options.place)
        var plan = TrustPlan(editing.trust)
        let roles = try RoleArgument(role, in: plan).roles
        let replaced = try oldKey(of: roles, plan, editing.folder)
        let source = try passphrase.option.source()
        var file: String?
        let new: OwnedKey
        if let key {
            new = try PublicKeyArgument(key, owner: nil).owned
        } else {
            let isOnline = roles.contains(.timestamp) || roles.contains(.snapshot)
            let made = try editing.folder.makeKey(
                for: roles[0], kind: SigningKeyKind(of: replaced.key) ?? .hybrid,
                owner: String(decoding: replaced.owner, as: UTF8.self),
                passphrase: isOnline ? nil : try passphrase.new(source))
            (file, new) = (made.path, made.owned)
        }
        let outcome = try editing.carryOut(made: file) {
            for name in roles { try plan.replace(replaced.key.id, by: new, in: name) }
            return try editing.carryOut(plan, more: options.signers, passphrases: source)
        }
        try await options.finish(outcome, editing.folder, source)
    }

    private func oldKey(of roles: [RoleName], _ plan: TrustPlan, _ folder: TrustFolder) throws -> OwnedKey {
        if let old { return try plan.key(old) }
        let keys = plan.grant(of: roles[0])?.keys ?? []
        if keys.count == 1 { return keys[0] }
        let here = Set(try folder.heldKeys().map(\.contents.key.id))
        let own = keys.filter { here.contains($0.key.id) }
        guard own.count == 1 else {
            throw FleetctlError(
                .usage, "role \(roles[0]) has \(keys.count) keys, \(own.count) of them here: which one?",
                hint: "name it with --old ID; \(options.place.command("show")) lists them")
        }
        return own[0]
    }
}

/// `fleetctl trust revoke`.
struct TrustRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Let a key sign for nothing any more.",
        discussion: """
            The key goes from every role that has it. A role keeps its threshold unless --threshold; if too few keys are
            left, add one first, or rotate instead.

            EXAMPLES
              fleetctl trust revoke 3f2a77e01b9c --dir trust
              fleetctl trust revoke 3f2a77e01b9c --dir trust --threshold 1
            """)

    @Argument(help: "The key's id, or its first 8 digits or more.") var key: String
    @OptionGroup var options: TrustEditOptions
    @OptionGroup var passphrase: PassphraseOption
    @Option(help: "How many keys have to sign for those roles from now on.") var threshold: Int?

    func run() async throws {
        let editing = try TrustEditing(options.place)
        var plan = TrustPlan(editing.trust)
        try plan.revoke(plan.key(key).key.id, threshold: threshold)
        let source = try passphrase.source()
        try await options.finish(
            editing.carryOut(plan, more: options.signers, passphrases: source), editing.folder, source)
    }
}

/// `fleetctl trust delegate`.
struct TrustDelegateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delegate",
        abstract: "Let a new content set have releases: say who signs them.",
        discussion: """
            Without --key a new one is made in the trust folder.

            EXAMPLES
              fleetctl trust delegate iso --dir trust
              fleetctl trust delegate iso --dir trust --key alice.pub --key bob.pub --threshold 2
            """)

    @Argument(help: "The set's name, as in fleet.yaml.") var set: String
    @OptionGroup var options: TrustEditOptions
    @OptionGroup var passphrase: NewPassphraseOption
    @Option(help: "A public key: a file, or its line; may be given more than once.") var key: [String] = []
    @Option(help: "How many keys have to sign.") var threshold = 1
    @Option(help: "Whose the new key is, in words.") var owner = Terminal.environment("USER") ?? "operator"
    @Flag(help: "Make an Ed25519 key.") var classic = false

    func run() async throws {
        let editing = try TrustEditing(options.place)
        var plan = TrustPlan(editing.trust)
        guard let role = RoleName.ofSet(set) else { throw FleetctlError(.usage, "\"\(set)\" is no name of a set") }
        guard plan.grant(of: role) == nil else { throw TrustChangeError.hasRole(role) }
        let source = try passphrase.option.source()
        var keys = try key.map { try PublicKeyArgument($0, owner: nil).owned }
        var file: String?
        if keys.isEmpty {
            let made = try editing.folder.makeKey(
                for: role, kind: classic ? .classic : .hybrid, owner: "\(owner), \(role)",
                passphrase: try passphrase.new(source))
            file = made.path
            keys = [made.owned]
        }
        let outcome = try editing.carryOut(made: file) {
            if let grant = SetGrant(set: set, RoleGrant(keys, threshold: threshold)) { try plan.delegate(grant) }
            return try editing.carryOut(plan, more: options.signers, passphrases: source)
        }
        try await options.finish(outcome, editing.folder, source)
    }
}

/// `fleetctl trust threshold`.
struct TrustThresholdCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "threshold",
        abstract: "Say how many keys have to sign for a role.",
        discussion: """
            EXAMPLES
              fleetctl trust threshold debian 2 --dir trust
            """)

    @Argument(help: "The role.") var role: String
    @Argument(help: "How many.") var threshold: Int
    @OptionGroup var options: TrustEditOptions
    @OptionGroup var passphrase: PassphraseOption

    func run() async throws {
        let editing = try TrustEditing(options.place)
        var plan = TrustPlan(editing.trust)
        for name in try RoleArgument(role, in: plan).roles { try plan.setThreshold(threshold, of: name) }
        let source = try passphrase.source()
        try await options.finish(
            editing.carryOut(plan, more: options.signers, passphrases: source), editing.folder, source)
    }
}

/// `fleetctl trust expire`.
struct TrustExpireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expire",
        abstract: "Sign root or targets again, to count for so many days from now.",
        discussion: """
            EXAMPLES
              fleetctl trust expire root --days 365 --dir trust
            """)

    private static let dayLimit: Int64 = 3_650

    @Argument(help: "root or targets.") var role: String
    @Option(help: "How many days, 1 to \(dayLimit).") var days: Int64
    @OptionGroup var options: TrustEditOptions
    @OptionGroup var passphrase: PassphraseOption

    func validate() throws {
        guard (1...Self.dayLimit).contains(days) else {
            throw ValidationError("--days takes 1 to \(Self.dayLimit)")
        }
    }

    func run() async throws {
        let editing = try TrustEditing(options.place)
        var plan = TrustPlan(editing.trust)
        let expires = MetadataTime(secondsSince1970: Int64(time(nil)) + days * TrustFolder.secondsPerDay)
        for name in try RoleArgument(role, in: plan).roles { try plan.expire(name, at: expires) }
        let source = try passphrase.source()
        try await options.finish(
            editing.carryOut(plan, more: options.signers, passphrases: source), editing.folder, source)
    }
}
