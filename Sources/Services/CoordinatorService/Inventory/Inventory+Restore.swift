import FleetAPI
import FleetModel
import Logging
import Trust

extension Inventory {
    /// What `database` holds.
    ///
    /// A report or release that this program cannot read is left out with a warning: reports come again by themselves,
    /// and the origin is asked for releases that its report names.
    init(fleet: Fleet, namedSequences: Int, restoredFrom database: StateDatabase, logger: Logger) throws {
        self.init(fleet: fleet, namedSequences: namedSequences)
        if let name = try database.setting(.fleet), name != fleet.name {
            throw StartError.configuration(
                message: "the state is that of the fleet \(name), and fleet.yaml describes \(fleet.name)",
                hint: "give every fleet its own state folder")
        }
        try database.save(.fleet, fleet.name)
        for stored in try database.releases() {
            do {
                let release = try ReleaseSeal.trusting(
                    stored.document, registeredAt: stored.registeredAt)
                register(release)
            } catch {
                logger.warning(
                    "release left out", metadata: ["fleet.set": "\(stored.set)", "fleet.reason": "\(error)"])
            }
        }
        let firstNamed = try database.firstNamed()
        for stored in try database.reports() {
            do {
                let report = try WireJSON.decode(MirrorReport.self, from: stored.body)
                restore(
                    KeptReport(
                        signed: stored.signed,
                        observation: MirrorObservation(
                            report: report, receivedAt: stored.receivedAt,
                            firstNamed: firstNamed[report.mirror] ?? [:])))
            } catch {
                logger.warning("report left out", metadata: ["fleet.reason": "\(error)"])
            }
        }
        override(try database.overrides())
        if let plan = try database.newestPlan() { adopt(plan) }
        if let text = try database.setting(.signedTerm) {
            do {
                let bytes = Base64.decode(text) ?? []
                enter(term: try FleetTerm(decoding: SignedTerm(decoding: bytes).body).number, signed: bytes)
            } catch {
                // Without it the agents refuse what comes: better no coordinator than one that seems to work.
                throw StartError.state(
                    message: "the signed term in the state is damaged: \(error)",
                    hint: "move the state folder away, start, and declare a new term: fleetctl coordinator new-term")
            }
        }
        if let count = try database.setting(.reportNow).flatMap(UInt64.init) { callForReports(count) }
    }
}
