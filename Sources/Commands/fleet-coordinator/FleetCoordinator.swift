import ArgumentParser
import CoordinatorService
import Logging

@main
struct FleetCoordinator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-coordinator",
        abstract: "Keep a fleet of mirrors in step: takes reports, makes plans, answers the API.",
        discussion: """
            EXAMPLES
              fleet-coordinator --fleet fleet.yaml --certificate coordinator.pem \\
                --key coordinator.key --authority authority.pem
              fleet-coordinator --fleet fleet.yaml --state D --ready-file D/ready ...

            EXIT CODES
              0 stopped as asked   1 failed   5 another coordinator has the state   64 wrong usage
              78 bad fleet.yaml or certificate
            """,
        version: CoordinatorProgram.version)

    @Option(help: "The fleet's policy, fleet.yaml.") var fleet: String
    @Option(help: "Folder of the state (default: coordinator.state in fleet.yaml).") var state: String?
    @Option(help: "The coordinator's certificate, PEM.") var certificate: String
    @Option(help: "Its private key, PEM.") var key: String
    @Option(help: "The certificate of the fleet's authority, PEM.") var authority: String
    @Option(help: "The issuing key's certificate, PEM (default: issuing.pem beside the coordinator's, if it is there).")
    var issuingCertificate: String?
    @Option(help: "The issuing key, PEM (default: issuing.key beside its certificate).") var issuingKey: String?
    @Option(help: "File to write HOST:PORT to once requests are answered.") var readyFile: String?
    @Option(help: "Lowest level logged: trace, debug, info, notice, warning, error, critical.", transform: level)
    var logLevel = Logger.Level.info

    mutating func run() async throws {
        var configuration = CoordinatorConfiguration(
            fleet: fleet, state: state, certificate: certificate, key: key, authority: authority)
        configuration.readyFile = readyFile
        if let issuingCertificate {
            let folder = issuingCertificate.lastIndex(of: "/").map { String(issuingCertificate[...$0]) } ?? ""
            configuration.issuing = (issuingCertificate, issuingKey ?? folder + "issuing.key")
        }
        configuration.logLevel = logLevel
        throw ExitCode(await CoordinatorProgram.run(configuration))
    }
}

private func level(_ text: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: text) else { throw ValidationError("there is no level \(text)") }
    return level
}
