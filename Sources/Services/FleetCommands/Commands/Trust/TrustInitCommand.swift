import ArgumentParser
import FleetModel
import Glibc
import SigningKeys
import UpdateFramework

/// `fleetctl trust init`: the keys of a new fleet, and its first root.
struct TrustInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make the keys of a fleet, its first root and targets.",
        discussion: """
            Makes a folder with a key for root, targets and every set, and one for snapshot and timestamp, which goes to
            the keeper. Keys are hybrid (ML-DSA-65 and Ed25519) unless --classic. Nothing is ever replaced.

            EXAMPLES
              fleetctl -f fleet.yaml trust init
              fleetctl trust init --dir trust --fleet example --set debian --set iso
              fleetctl trust init --dir trust --fleet example --root-key bob.pub --threshold 2
            """)

    @OptionGroup var place: TrustPlace
    @OptionGroup var passphrase: NewPassphraseOption
    @OptionGroup var output: OutputOption
    @Option(help: "The fleet's name. (default: that of fleet.yaml, with its sets)") var fleet: String?
    @Option(name: .customLong("set"), help: "A content set; may be given more than once.") var sets: [String] = []
    @Option(help: "Who you are, in words; others see it beside your keys.") var owner = Self.user
    @Flag(help: "Make Ed25519 keys, which every client of TUF knows, and quantum computers may break.")
    var classic = false
    @Option(name: .customLong("root-key"), help: "A public key that signs for root, too: a file, or its line.")
    var rootKeys: [String] = []
    @Option(help: "How many keys have to sign for root.") var threshold = 1

    private static var user: String { Terminal.environment("USER") ?? "operator" }

    func run() throws {
        let folder = try place.open()
        var beginning: TrustFolder.Beginning
        let kind = classic ? SigningKeyKind.classic : .hybrid
        if let fleet {
            beginning = TrustFolder.Beginning(fleet: fleet, sets: sets, kind: kind, owner: owner)
        } else {
            let session = try FleetSession(place.fleet)
            beginning = TrustFolder.Beginning(
                fleet: session.fleet.name, sets: sets.isEmpty ? session.fleet.sets.map(\.name) : sets, kind: kind,
                owner: owner)
        }
        for name in [beginning.fleet] + beginning.sets where !Self.isName(name) {
            throw FleetctlError(
                .usage, "\"\(name)\" is no name", hint: "use 1 to 63 of a-z, 0-9 and -, not beginning with -")
        }
        beginning.rootThreshold = threshold
        beginning.otherRootKeys = try rootKeys.map { try PublicKeyArgument($0, owner: nil).owned }
        let source = try passphrase.option.source()
        let made = try TrustFolder.create(at: folder.path, for: beginning, now: Int64(time(nil))) { _ in
            try passphrase.new(source)
        }
        let state = try made.state()
        switch output.format {
        case .json: try printJSON(TrustSummary(state, held: made.heldKeys()))
        case .table: print("made the keys of fleet \(beginning.fleet) and its first root in \(made.path)")
        }
        let terminal = Terminal.standard
        if let pending = state.pending { try TrustOutcome(pending).show(.table, place: place) }
        terminal.note("hint: keep a copy of \(made.path) offline; without the root's key nobody can change who signs")
        if passphrase.isNone { terminal.warn("nothing protects these keys but the mode of their files") }
    }

    private static func isName(_ name: String) -> Bool {
        let plain = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        return (1...63).contains(name.utf8.count) && name.utf8.first.map(plain.contains) == true
            && name.utf8.allSatisfy { plain.contains($0) || $0 == UInt8(ascii: "-") }
    }
}
