import FleetAPI
import FleetCertificates
import FleetModel
import HTTPTypes
import Hashing
import Logging
import Trust

extension Coordinator {
    /// How far an operator's clock may be ahead of ours, in seconds: a word from the future would stand above all that
    /// operators say until then.
    private static let clockSkew: Int64 = 3_600

    // MARK: Enrolment

    /// Keeps the word by which an operator admits a host, and the hash of the token with which the host joins.
    func enrol(_ order: EnrolmentOrder, by identity: FleetIdentity) throws -> EnrolmentReceipt {
        _ = try issuingKey()
        guard order.secretHash.bytes.count == EnrolmentToken.fingerprintByteCount, order.seconds > 0,
            order.seconds <= EnrolmentOrder.longest
        else {
            throw RequestError.badRequest("a token has a hash of SHA-256 and counts for 1 s to a day")
        }
        let standing: HostStanding
        do {
            standing = try desk.verifier.operators.verify(SignedStanding(decoding: order.admission.bytes))
        } catch {
            throw RequestError.unacceptable(RefusalCode.standingRefused, "the admission is refused: \(error)")
        }
        guard standing.isMember else {
            throw RequestError.unacceptable(RefusalCode.standingRefused, "the word admits nobody")
        }
        try checkCanJoin(standing.name)
        try checkIsNews(standing)
        let expiresAt = now() + order.seconds
        try database.save(
            StateDatabase.StoredEnrolment(
                name: standing.name, expiresAt: expiresAt, admission: order.admission.bytes,
                root: order.root.bytes), secretHash: order.secretHash.bytes)
        let replaces = try database.members()[standing.name] != nil || inventory.mirrors[standing.name] != nil
        logger.info("host admitted", metadata: ["fleet.mirror": "\(standing.name)", "fleet.by": "\(identity.uri)"])
        return EnrolmentReceipt(name: standing.name, replaces: replaces, expiresAt: expiresAt)
    }

    /// Gives a new host its certificate. The token is used up, durably, before the certificate is made: of those who have
    /// the same token, one gets one.
    func join(_ request: JoinRequest) throws -> JoinAnswer {
        let issuing = try issuingKey()
        let key: [UInt8]
        do {
            key = try CertificateRequest.subjectPublicKeyInfo(of: request.request.bytes)
        } catch {
            throw RequestError.badRequest("\(error.message)")
        }
        let hash = Digest.hash(.sha256, request.secret.bytes).bytes
        guard let (enrolment, hadJoined) = try database.useEnrolment(secretHash: hash, at: now()) else {
            logger.warning("a token was refused: unknown, used or expired")
            throw RequestError(
                .forbidden, RefusalCode.tokenRefused, "the token is unknown, was used, or has expired",
                hint: "ask the operator for another: fleetctl mirror enrol NAME")
        }
        try checkCanJoin(enrolment.name)
        let word = try SignedStanding(decoding: enrolment.admission)
        let issued = try issue(issuing, word, key)
        // Whoever had the name until now has it no more.
        if hadJoined || inventory.mirrors[enrolment.name] != nil { try take(StandingList([word])) }
        logger.info("host joined", metadata: ["fleet.mirror": "\(enrolment.name)"])
        changed()
        return JoinAnswer(
            certificate: issued.certificatePEM, root: enrolment.root,
            port: inventory.fleet.mirror(named: enrolment.name)?.address.port ?? 0)
    }

    /// A newer certificate for the key that the agent has shown, by the operator's word in the one it has.
    func renewCertificate(of peer: Peer) throws -> CertificateAnswer {
        let issuing = try issuingKey()
        guard let word = peer.host.admission else {
            throw RequestError.unacceptable(
                RefusalCode.notEnrollable, "\(peer.identity.uri) has its certificate from the authority itself",
                hint: "issue another with `fleetctl keys issue`, or enrol the host")
        }
        let issued = try issue(issuing, word, peer.publicKey)
        logger.info("certificate renewed", metadata: ["fleet.mirror": "\(peer.identity.name)"])
        return CertificateAnswer(certificate: issued.certificatePEM)
    }

    private func issue(
        _ issuing: IssuingKey, _ word: SignedStanding, _ key: [UInt8]
    ) throws(RequestError) -> IssuedCertificate {
        do {
            return try issuing.issue(word, subjectPublicKeyInfo: key, now: now())
        } catch {
            throw RequestError.unacceptable(
                RefusalCode.notEnrollable, "\(error.place): \(error.message)", hint: error.remedy)
        }
    }

    private func issuingKey() throws(RequestError) -> IssuingKey {
        guard let issuing = desk.issuing else {
            throw RequestError.unacceptable(
                RefusalCode.noIssuingKey, "this coordinator has no issuing key",
                hint: "make one with `fleetctl keys issuing`, and put it beside the coordinator's certificate")
        }
        return issuing
    }

    private func checkCanJoin(_ name: String) throws(RequestError) {
        guard let mirror = inventory.fleet.mirror(named: name) else {
            throw RequestError.unknownMirror(name, known: inventory.fleet.mirrors.map(\.name))
        }
        guard mirror.role == .mirror else {
            throw RequestError.unacceptable(
                RefusalCode.notEnrollable, "\(name) is an origin, and those have their certificates from the authority",
                hint: "fleetctl keys issue origin \(name)")
        }
    }

    private func checkIsNews(_ standing: HostStanding) throws {
        guard standing.signedAt <= now() + Self.clockSkew else {
            throw RequestError.unacceptable(
                RefusalCode.standingRefused, "it was signed in the future, at \(standing.signedAt) s since 1970",
                hint: "set the clock right, of this coordinator or of the operator's machine")
        }
        let admitted = try database.members()[standing.name].map {
            try HostStanding(decoding: SignedStanding(decoding: $0.admission).body)
        }
        for last in [admitted, desk.verifier.standing(of: standing.name)].compactMap({ $0 })
        where !standing.supersedes(last) {
            throw RequestError.conflict(
                RefusalCode.standingRefused, "a later word of an operator on \(standing.name) is there",
                hint: "try again, and see whether the clocks of the operators' machines agree")
        }
    }

    // MARK: Standing

    /// Takes what operators said of hosts that lost their standing, and tells every mirror that waits.
    func take(_ submission: StandingSubmission, by identity: FleetIdentity) throws -> StandingReceipt {
        let list: StandingList
        do {
            list = try StandingList(decoding: submission.standings.bytes)
        } catch {
            throw RequestError.badRequest("this is no list of standings: \(error)")
        }
        if identity.role == .operator {
            // What agents hand in was taken somewhere already; here an operator hears what is wrong.
            for word in list.words {
                do {
                    try checkIsNews(desk.verifier.operators.verify(word))
                } catch let error as StatementError {
                    throw RequestError.unacceptable(RefusalCode.standingRefused, "\(error)")
                }
            }
        }
        try take(list)
        return StandingReceipt(count: desk.verifier.list.words.count)
    }

    private func take(_ list: StandingList) throws {
        guard desk.verifier.take(list) else { return }
        try database.save(desk.verifier.list)
        polls.wakeAssignments { _ in true }
        changed()
    }

    /// How the hosts of fleet.yaml belong to the fleet.
    func members() throws -> MemberList {
        try settleOverrides()
        let (joined, tokens) = (try database.members(), try database.tokens())
        let time = now()
        return MemberList(
            members: inventory.fleet.mirrors.map { mirror in
                let standing = desk.verifier.standing(of: mirror.name)
                let overrides = inventory.overrides(of: mirror.name)
                return Member(
                    name: mirror.name, joinedAt: joined[mirror.name]?.joinedAt,
                    tokenUntil: tokens[mirror.name].flatMap { $0 >= time ? $0 : nil },
                    revokedAt: standing.flatMap { $0.isMember ? nil : $0.signedAt },
                    overrides: overrides.isEmpty ? nil : overrides)
            })
    }
}
