import Crypto
import FoundationEssentials
import Synchronization
package import Trust
import X509

/// A host whose certificate was verified: who it is, and what a later word of an operator on it is compared with.
package struct VerifiedHost: Hashable, Sendable {
    /// Who it is.
    package let identity: FleetIdentity
    /// Whether an issuing key issued the certificate, and not the authority itself.
    package let isEnrolled: Bool
    /// When the host became what it is, in milliseconds since 1970: when an operator admitted it, else when the authority
    /// issued the certificate.
    package let since: Int64
    /// The last second at which the certificate counts, since 1970.
    package let notAfter: Int64
    /// The operator's word that is in the certificate; nil if the authority itself issued it.
    package let admission: SignedStanding?
}

/// Decides whom to believe to be who: the one rule for every connection of a host, a coordinator or an operator.
///
/// TLS has verified before that the certificate leads to the fleet's authority, and that the peer has its key.
package final class PeerVerifier: Sendable {
    private struct Word {
        var standing: HostStanding
        var signed: SignedStanding
    }

    private let authority: AuthorityCertificate
    /// Verifies what operators say.
    package let operators: OperatorAuthority
    private struct Words {
        var byName: [String: Word] = [:]
        /// Names the list.
        var tag: String?

        var list: StandingList { StandingList(byName.keys.sorted().compactMap { byName[$0]?.signed }) }
    }

    private let words = Mutex(Words())

    /// Believes whom the authority in `authorityPEM` certified; `place` names where that was read.
    /// Throws ``CredentialError``.
    package convenience init(authorityPEM: String, place: String) throws(CredentialError) {
        self.init(try AuthorityCertificate(try CertificateFile.parseOne(authorityPEM, place: place), place: place))
    }

    init(_ authority: AuthorityCertificate) {
        self.authority = authority
        operators = OperatorAuthority(authority)
    }

    /// The same from the file `path`. Throws ``CredentialError``.
    package convenience init(authorityPath path: String) throws(CredentialError) {
        try self.init(authorityPEM: KeyFile.read(path, .open), place: path)
    }

    /// Who a certificate in DER names. Throws ``IdentityError`` if it names nobody, if it is from an issuing key and not
    /// of an agent that an operator admitted, or if the host lost its standing.
    package func verify(certificateDER der: [UInt8]) throws(IdentityError) -> VerifiedHost {
        let host = try read(HostCertificate(der: der))
        if let refusal = refusal(of: host) { throw refusal }
        return host
    }

    /// Whether a host's certificate leads to the fleet's authority, by itself or by the issuing key's in `above`.
    func isCertified(_ certificate: Certificate, through above: [Certificate]) -> Bool {
        authority.issued(certificate, through: above)
    }

    private func read(_ host: HostCertificate) throws(IdentityError) -> VerifiedHost {
        let identity = host.identity
        if authority.issued(host.certificate) {
            return VerifiedHost(
                identity: identity, isEnrolled: false,
                since: (host.notBefore + CertificateAuthority.backdating) * 1_000,
                notAfter: host.notAfter, admission: nil)
        }
        guard identity.role == .agent else { throw .notForIssuingKey(identity.uri) }
        let word: SignedStanding
        let standing: HostStanding
        do {
            guard let bytes = host.admission else { throw IdentityError.notAdmitted(identity.uri, reason: "none") }
            word = try SignedStanding(decoding: bytes)
            standing = try operators.verify(word)
        } catch let error as IdentityError {
            throw error
        } catch {
            throw .notAdmitted(identity.uri, reason: "\(error)")
        }
        guard standing.isMember, standing.name == identity.name, standing.fleet == identity.fleet else {
            throw .notAdmitted(identity.uri, reason: "it is about \(standing.name)")
        }
        return VerifiedHost(
            identity: identity, isEnrolled: true, since: standing.at, notAfter: host.notAfter, admission: word)
    }

    /// Why a host that was verified is believed no more; nil: it still is.
    package func refusal(of host: VerifiedHost) -> IdentityError? {
        guard host.identity.role == .agent || host.identity.role == .origin,
            let last = standing(of: host.identity.name)
        else { return nil }
        if last.isMember { return host.since < last.at ? .replaced(host.identity.uri) : nil }
        return host.since <= last.at ? .revoked(host.identity.uri) : nil
    }

    // MARK: - Words of operators

    /// Takes what counts of a list, and lets the rest be: a word that is not verified, is not news, or for which there is
    /// no room.
    ///
    /// - Returns: whether there was news.
    package func take(_ list: StandingList) -> Bool {
        var hasNews = false
        for signed in list.words {
            guard !isKnown(signed), let standing = try? operators.verify(signed) else { continue }
            words.withLock { words in
                let last = words.byName[standing.name]
                if let last, !standing.supersedes(last.standing) { return }
                guard last != nil || words.byName.count < StandingList.limit else { return }
                words.byName[standing.name] = Word(standing: standing, signed: signed)
                hasNews = true
            }
        }
        guard hasNews else { return false }
        words.withLock { words in
            words.tag = SHA256.hash(data: words.list.encode()).prefix(8).map { String($0, radix: 16) }.joined(
                separator: "-")
        }
        return true
    }

    /// Verifying takes time: what is there already is not verified again.
    private func isKnown(_ signed: SignedStanding) -> Bool {
        guard let standing = try? HostStanding(decoding: signed.body) else { return false }
        return words.withLock { $0.byName[standing.name]?.signed == signed }
    }

    /// The last word on a host that lost its standing; nil: there is none.
    package func standing(of name: String) -> HostStanding? {
        words.withLock { $0.byName[name]?.standing }
    }

    /// Names the list of what counts now: equal lists have equal names; nil: it is empty.
    package var standingsTag: String? { words.withLock { $0.tag } }

    /// All that counts now, ascending by name.
    package var list: StandingList { words.withLock { $0.list } }
}
