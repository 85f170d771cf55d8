/// Where a lab keeps what, below its folder.
struct LabLayout {
    static let coordinator = "coordinator"
    static let origin = "origin"
    static let sets = ["debian", "iso"]

    /// The lab's folder, an absolute path.
    let folder: String

    var fleetFile: String { "\(folder)/fleet.yaml" }
    var labFile: String { "\(folder)/lab.json" }
    var keys: String { "\(folder)/keys" }
    var trust: String { "\(folder)/trust" }

    /// The folder of the coordinator, or of the host `name`.
    func home(of name: String) -> String {
        name == Self.coordinator ? "\(folder)/coordinator" : "\(folder)/hosts/\(name)"
    }

    func log(of name: String) -> String {
        home(of: name) + (name == Self.coordinator ? "/coordinator.log" : "/agent.log")
    }

    func pidFile(of name: String) -> String {
        home(of: name) + (name == Self.coordinator ? "/coordinator.pid" : "/agent.pid")
    }

    func readyFile(of name: String) -> String {
        home(of: name) + "/ready"
    }
}
