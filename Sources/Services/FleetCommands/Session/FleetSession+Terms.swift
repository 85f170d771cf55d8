import FleetAPI
import FleetCertificates
import FleetModel
import Glibc
import Trust

extension FleetSession {
    /// Declares the term that follows all in `answer`, signed with the operator's key.
    func declareTerm(after answer: TermAnswer, with client: CoordinatorClient) async throws -> TermAnswer {
        guard let number = answer.next else {
            throw FleetctlError(
                .refused,
                "\(answer.highestMirror ?? "a mirror") claims to follow \(answer.highest.map(\.description) ?? "a plan"): "
                    + "no term is above that",
                hint: "such a number was never given: take the mirror out of \(file), and restart the coordinator")
        }
        let access = try access()
        let credentials = try HostCredentials(
            certificatePath: access.certificatePath, keyPath: access.keyPath, authorityPath: access.authorityPath)
        let term = FleetTerm(
            fleet: fleet.name, number: number, coordinator: answer.coordinator, signedAt: Int64(time(nil)))
        return try await client.declare(term: credentials.sign(term).encode())
    }
}
