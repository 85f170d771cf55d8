import FleetAPI
import FleetCertificates

/// What a coordinator needs to say who belongs to the fleet: the fleet's authority, what operators said, and the key that
/// gives certificates to agents.
struct MembershipDesk: Sendable {
    /// The fleet's name.
    let fleet: String
    /// Decides who a peer is; it knows who lost their standing.
    let verifier: PeerVerifier
    /// The certificate of the fleet's authority, PEM.
    let authorityPEM: String
    /// Nil: this coordinator gives no certificates.
    let issuing: IssuingKey?

    /// What anybody may know.
    var authorityAnswer: AuthorityAnswer { AuthorityAnswer(fleet: fleet, authority: authorityPEM) }
}
