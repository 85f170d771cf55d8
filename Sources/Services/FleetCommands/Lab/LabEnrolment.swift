import FleetCertificates
import Glibc
import SigningKeys
import UpdateFramework

/// Writes the keys, certificates, trust and configuration of a lab, by the same steps as `fleetctl keys`, `fleetctl trust
/// init` and an editor.
struct LabEnrolment {
    let layout: LabLayout
    let configuration: LabConfiguration

    /// Writes everything that the processes read.
    func write() throws {
        let keys = FleetKeys(folder: layout.keys)
        try keys.make(fleet: configuration.fleet)
        let trust = try TrustFolder.create(
            at: layout.trust,
            for: TrustFolder.Beginning(
                fleet: configuration.fleet, sets: LabLayout.sets, kind: .hybrid, owner: "lab"), now: Int64(time(nil)),
            passphrases: { _ in nil })
        let root = try TextFile.read(trust.document(.root, version: 1))
        try keys.issue(
            .coordinator, name: LabLayout.coordinator, days: FleetKeys.defaultDays,
            into: layout.home(of: LabLayout.coordinator), as: "coordinator")
        try keys.issueIssuingKey(
            days: CertificateAuthority.issuingKeyDays, into: layout.home(of: LabLayout.coordinator))
        for (index, name) in configuration.hosts.enumerated() {
            let home = layout.home(of: name)
            try keys.issue(
                index == 0 ? .origin : .agent, name: name, days: FleetKeys.defaultDays, into: home, as: "agent")
            try TextFile.write(root, to: "\(home)/root.json")
            if index == 0 {
                try KeyFile.write(KeyFile.read(trust.onlineKey, .secret), to: "\(home)/online.key", .secret)
            }
            try TextFile.makeFolder("\(home)/srv")
            try TextFile.write(configuration.agentFile(of: index), to: "\(home)/agent.yaml")
        }
        try TextFile.write(configuration.fleetFile, to: layout.fleetFile)
    }
}
