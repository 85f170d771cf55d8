import FleetModel
import Swarm

extension Swarms {
    /// The sources of a line of a plan, those first that are best to ask: by what they did, where they are and how fast
    /// they were, as fleet.yaml weighs it. The order of the plan decides between equals. Whoever is cut off comes last: it
    /// may be the only one, and all that it sends is verified.
    func ranked(_ line: PlanLine) -> [PlanSource] {
        let candidates = line.sources.map { source in
            SourceChoice.Candidate(
                name: source.name, isNear: line.isNear(source), score: record.score(of: source.name),
                bytesPerSecond: record.rate(of: source.name))
        }
        let names = SourceChoice(policy.choose).ranked(candidates, assumedRate: SwarmSettings().assumedRate).map(\.name)
        let order = names.filter { !record.isCutOff($0) } + names.filter { record.isCutOff($0) }
        return order.compactMap { name in line.sources.first { $0.name == name } }
    }
}

extension PlanLine {
    /// Whether a host is in the region of the line's mirror; also where nobody says.
    func isNear(_ source: PlanSource) -> Bool {
        region == nil || source.region == nil || region == source.region
    }
}
