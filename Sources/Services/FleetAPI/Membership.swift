package import FleetModel

/// Answer to `GET /v1/authority`: what anybody may know, to be compared with the fingerprint in a token.
package struct AuthorityAnswer: Codable, Sendable, Equatable {
    /// The fleet's name.
    package var fleet: String
    /// The certificate of the fleet's authority, PEM.
    package var authority: String

    /// An answer.
    package init(fleet: String, authority: String) {
        self.fleet = fleet
        self.authority = authority
    }
}

/// Body of `POST /v1/enrolments`: an operator admits a host, which joins with a token.
package struct EnrolmentOrder: Codable, Sendable, Equatable {
    /// SHA-256 of the token's secret: the secret itself never reaches the coordinator before it is used.
    package var secretHash: Base64Bytes
    /// For how many seconds the token counts, by the coordinator's clock.
    package var seconds: Int64
    /// The encoded `SignedStanding` by which the operator admits the host.
    package var admission: Base64Bytes
    /// The newest root of the fleet's releases, whose fingerprint is in the token.
    package var root: Base64Bytes

    /// The longest that a token counts: a day.
    package static let longest: Int64 = 86_400

    /// An order.
    package init(secretHash: [UInt8], seconds: Int64, admission: [UInt8], root: [UInt8]) {
        self.secretHash = Base64Bytes(secretHash)
        self.seconds = seconds
        self.admission = Base64Bytes(admission)
        self.root = Base64Bytes(root)
    }
}

/// Answer to `POST /v1/enrolments`.
package struct EnrolmentReceipt: Codable, Sendable, Equatable {
    /// The host's name.
    package var name: String
    /// Whether a host of that name is there already: its certificate ends when the new one joins.
    package var replaces: Bool
    /// The last second at which the token counts, since 1970.
    package var expiresAt: Int64

    /// A receipt.
    package init(name: String, replaces: Bool, expiresAt: Int64) {
        self.name = name
        self.replaces = replaces
        self.expiresAt = expiresAt
    }
}

/// Body of `POST /v1/join`: a new host uses its token.
package struct JoinRequest: Codable, Sendable, Equatable {
    /// The token's secret.
    package var secret: Base64Bytes
    /// A certificate signing request in DER; only its key counts.
    package var request: Base64Bytes

    /// A request.
    package init(secret: [UInt8], request: [UInt8]) {
        self.secret = Base64Bytes(secret)
        self.request = Base64Bytes(request)
    }
}

/// Answer to `POST /v1/join`: what the new host needs.
package struct JoinAnswer: Codable, Sendable, Equatable {
    /// The host's certificate, and the issuing key's behind it, PEM.
    package var certificate: String
    /// The newest root of the fleet's releases, to be compared with the fingerprint in the token.
    package var root: Base64Bytes
    /// The port at which other hosts reach it, as fleet.yaml says.
    package var port: Int

    /// An answer.
    package init(certificate: String, root: [UInt8], port: Int) {
        self.certificate = certificate
        self.root = Base64Bytes(root)
        self.port = port
    }
}

/// Answer to `POST /v1/certificate`: a certificate for the key that the agent has shown.
package struct CertificateAnswer: Codable, Sendable, Equatable {
    /// The host's certificate, and the issuing key's behind it, PEM.
    package var certificate: String

    /// An answer.
    package init(certificate: String) {
        self.certificate = certificate
    }
}

/// Body of `POST /v1/standings`: what operators said of hosts that lost their standing.
package struct StandingSubmission: Codable, Sendable, Equatable {
    /// An encoded `StandingList`.
    package var standings: Base64Bytes

    /// Wraps an encoded list.
    package init(standings: [UInt8]) {
        self.standings = Base64Bytes(standings)
    }
}

/// Answer to `POST /v1/standings`.
package struct StandingReceipt: Codable, Sendable, Equatable {
    /// How many words are in force.
    package var count: Int

    /// A receipt.
    package init(count: Int) {
        self.count = count
    }
}

/// Answer to `GET /v1/members`: the hosts of fleet.yaml, in its order.
package struct MemberList: Codable, Sendable, Equatable {
    /// One for each host.
    package var members: [Member]

    /// A list.
    package init(members: [Member]) {
        self.members = members
    }
}

/// How one host of fleet.yaml belongs to the fleet.
package struct Member: Codable, Sendable, Equatable {
    /// Its name.
    package var name: String
    /// When a host last joined under that name with a token, in seconds since 1970; nil: none did.
    package var joinedAt: Int64?
    /// Until when a token for it counts; nil: there is none.
    package var tokenUntil: Int64?
    /// When an operator took it out of the fleet, in seconds since 1970; nil: none did since it was last admitted.
    package var revokedAt: Int64?
    /// What operators said of it beyond fleet.yaml, by kind; absent: nothing.
    package var overrides: [HostOverride]?

    /// A member.
    package init(
        name: String, joinedAt: Int64? = nil, tokenUntil: Int64? = nil, revokedAt: Int64? = nil,
        overrides: [HostOverride]? = nil
    ) {
        self.name = name
        self.joinedAt = joinedAt
        self.tokenUntil = tokenUntil
        self.revokedAt = revokedAt
        self.overrides = overrides
    }
}
