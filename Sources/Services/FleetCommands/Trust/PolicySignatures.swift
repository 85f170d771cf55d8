import FleetModel
import UpdateFramework

/// How what fleet.yaml says of sets differs from what is signed of them, by a trust folder.
struct PolicySignatures {
    /// Lines of the file that count once they are signed.
    let needs: [SignatureNeed]
    /// What is signed of sets that the file does not have.
    let otherSets: [SignatureNeed]

    /// Nothing differs where there is no folder: whoever signs has it. Throws what reading the folder throws.
    init(_ fleet: Fleet, _ folder: TrustFolder) throws {
        let trust = folder.isThere ? try folder.state().trust : nil
        let signed = trust.map { TrustPlan($0).policies }
        needs = signed.map { fleet.signatureNeeds(signed: $0).lines } ?? []
        otherSets = signed.map { fleet.policiesOfOtherSets(signed: $0) } ?? []
    }

    /// Says so on standard error.
    func show(_ session: FleetSession) {
        for need in needs { session.terminal.warn("not signed yet: \(need)") }
        for need in otherSets {
            session.terminal.warn(
                "\(need.set) is not in \(session.file), and stays signed: \(need.key): \(need.signed)")
        }
    }

    /// What to do about the needs.
    func hint(_ session: FleetSession) {
        guard !needs.isEmpty else { return }
        session.terminal.note("hint: hosts go by what is signed: \(session.command) apply --sign")
    }
}
