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
}
