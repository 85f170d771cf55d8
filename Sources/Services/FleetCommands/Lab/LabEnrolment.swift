import FleetCertificates
import LinuxIO

/// Writes the keys, certificates and configuration of a lab, by the same steps as `fleetctl keys` and an editor.
struct LabEnrolment {
    let layout: LabLayout
    let configuration: LabConfiguration

    /// Writes everything that the processes read.
    func write() throws {
        let keys = FleetKeys(folder: layout.keys)
        try keys.make(fleet: configuration.fleet)
        try keys.issue(
            .coordinator, name: LabLayout.coordinator, days: FleetKeys.defaultDays,
            into: layout.home(of: LabLayout.coordinator), as: "coordinator")
        for (index, name) in configuration.hosts.enumerated() {
            let home = layout.home(of: name)
            try keys.issue(
                index == 0 ? .origin : .agent, name: name, days: FleetKeys.defaultDays, into: home, as: "agent")
            try TextFile.makeFolder("\(home)/srv")
            try TextFile.write(configuration.agentFile(of: index), to: "\(home)/agent.yaml")
        }
        try TextFile.write(configuration.fleetFile, to: layout.fleetFile)
    }
}
