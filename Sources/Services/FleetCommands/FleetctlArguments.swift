import ArgumentParser
import Content

/// Lets the options that every command takes stand in front of the command: `fleetctl -f F status` means
/// `fleetctl status -f F`.
package enum FleetctlArguments {
    private static let withValue: Set<String> = ["-f", "--file"]

    /// `arguments` (without the program's name) with leading options of every command moved to the end, before a
    /// `--` if there is one.
    package static func normalised(_ arguments: [String]) -> [String] {
        var leading: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if withValue.contains(first), rest.count > 1 {
                leading += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if withValue.contains(where: { $0.hasPrefix("--") && first.hasPrefix($0 + "=") }) {
                leading.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return Array(rest[..<end]) + leading + Array(rest[end...])
    }

    /// What is wrong with the command that `arguments` (normalised) name: one that is not there, or none at all where
    /// one must be. nil if nothing is wrong so far; without any argument the parser shows the help.
    static func mistake(in arguments: [String], of root: any ParsableCommand.Type) -> FleetctlError? {
        guard var first = arguments.first else { return nil }
        if let argument = notText(in: arguments) {
            return FleetctlError(
                .usage, "\(TerminalText.escape(ArgumentText.bytes(argument))) is not UTF-8",
                hint: "only the path of --proof may be any bytes; name a file or directory by a link to it")
        }
        if withValue.contains(first), arguments.count == 1 {
            return FleetctlError(
                .usage, "\(first) takes the fleet's file", hint: "fleetctl \(first) fleet.yaml COMMAND")
        }
        var command = root
        var words = [name(of: root)]
        var rest = arguments[...]
        while !command.configuration.subcommands.isEmpty {
            let names = command.configuration.subcommands.map(name)
            let list = "its commands are: " + names.joined(separator: ", ")
            first = rest.first ?? "--help"
            // The last two are how manual pages and completions are made.
            if ["help", "-h", "--help", "--version", "--help-hidden", "--experimental-dump-help"].contains(first)
                || first.hasPrefix("--generate")
            {
                return nil
            }
            let path = words.joined(separator: " ")
            if first.hasPrefix("-") { return FleetctlError(.usage, "\(path): which command?", hint: list) }
            guard let next = command.configuration.subcommands.first(where: { name(of: $0) == first }) else {
                let near = names.filter { $0.hasPrefix(first) || first.hasPrefix($0) }
                return FleetctlError(
                    .usage, "\(path) has no command \"\(first)\"",
                    hint: near.count == 1 ? "did you mean \(path) \(near[0])?" : list)
            }
            words.append(first)
            command = next
            rest = rest.dropFirst()
        }
        return nil
    }

    /// The first argument that is not UTF-8 where only text is understood: everywhere but in the path of a proof.
    private static func notText(in arguments: [String]) -> String? {
        var before = ""
        for argument in arguments {
            let isProof = before == "--proof" || argument.hasPrefix("--proof=")
            if !isProof, !ArgumentText.isUTF8(argument) { return argument }
            before = argument
        }
        return nil
    }

    private static func name(of command: any ParsableCommand.Type) -> String {
        command._commandName
    }
}
