import FleetCommands

/// `fleetctl`: the operator's hand.
@main
struct Main {
    static func main() async {
        await Fleetctl.start(ArgumentText.ofProcess())
    }
}
