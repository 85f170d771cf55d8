import Content

/// What a host may do in a fleet, as its certificate says.
package enum FleetRole: String, Hashable, Sendable, CaseIterable {
    /// A mirror's agent.
    case agent
    /// The agent where releases are published first.
    case origin
    /// The coordinator.
    case coordinator
    /// A person with `fleetctl`.
    case `operator`
    /// A program or person that looks and changes nothing: a dashboard, a monitoring system.
    case reader
}

/// Who a host is: the fleet, the role and the name that the fleet's authority put into its certificate.
package struct FleetIdentity: Hashable, Sendable, CustomStringConvertible {
    private static let scheme = "spiffe://"

    /// The fleet.
    package let fleet: String
    /// What the host may do.
    package let role: FleetRole
    /// The host's name, unique in the fleet; also a DNS label.
    package let name: String

    /// Throws ``IdentityError`` unless both names are plain ones (`[a-z0-9][a-z0-9-]{0,62}`).
    package init(fleet: String, role: FleetRole, name: String) throws(IdentityError) {
        for text in [fleet, name] where !PlainName.accepts(text) {
            throw .badName(text)
        }
        self.fleet = fleet
        self.role = role
        self.name = name
    }

    /// From `spiffe://FLEET/ROLE/NAME`, and nothing else: no port, no query, no percent signs, no further part.
    /// Throws ``IdentityError``.
    package init(uri: String) throws(IdentityError) {
        guard uri.utf8.starts(with: Self.scheme.utf8) else { throw .badURI(uri) }
        let parts = uri.utf8.dropFirst(Self.scheme.utf8.count)
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Array($0) }
        guard parts.count == 3, PlainName.accepts(parts[0]), PlainName.accepts(parts[2]),
            let role = FleetRole(rawValue: String(decoding: parts[1], as: UTF8.self))
        else { throw .badURI(uri) }
        self.fleet = String(decoding: parts[0], as: UTF8.self)
        self.role = role
        self.name = String(decoding: parts[2], as: UTF8.self)
    }

    /// The identity as it stands in the certificate.
    package var uri: String { "\(Self.scheme)\(fleet)/\(role.rawValue)/\(name)" }

    /// The URI.
    package var description: String { uri }
}

/// Why a certificate does not say who a host of a fleet is.
package enum IdentityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A name that cannot be a fleet's or a host's.
    case badName(String)
    /// A URI that is not `spiffe://FLEET/ROLE/NAME`.
    case badURI(String)
    /// The bytes are not a certificate.
    case notACertificate(String)
    /// The certificate has no URI, or several.
    case wrongNumberOfURIs(Int)
    /// The certificate is that of an authority, not of a host.
    case authority
    /// The certificate's key is not one of P-256.
    case otherKey
    /// The coordinator's issuing key issued it, and that one makes agents only.
    case notForIssuingKey(String)
    /// The coordinator's issuing key issued it, and no operator said that the host is a member.
    case notAdmitted(String, reason: String)
    /// An operator took the host out of the fleet.
    case revoked(String)
    /// Another host has joined under its name since.
    case replaced(String)

    package var description: String {
        let remedy = "issue a certificate for the host with the fleet's authority"
        return switch self {
        case .badName(let name):
            "\"\(TerminalText.escape(Array(name.utf8.prefix(80))))\" is no name: a name is \(PlainName.rule)"
        case .badURI(let uri):
            "\"\(TerminalText.escape(Array(uri.utf8.prefix(256))))\" names no host of a fleet"
                + " (spiffe://FLEET/ROLE/NAME): \(remedy)"
        case .notACertificate(let what): "these bytes are no certificate: \(what)"
        case .wrongNumberOfURIs(let count):
            "the certificate has \(count) URIs, exactly one must name the host: \(remedy)"
        case .authority: "this is the certificate of an authority, not of a host: \(remedy)"
        case .otherKey: "the certificate's key is not one of P-256: \(remedy)"
        case .notForIssuingKey(let uri):
            "the certificate of \(uri) was issued by the coordinator's issuing key, which makes agents only:"
                + " \(remedy)"
        case .notAdmitted(let uri, let reason):
            "the certificate of \(uri) carries no word of an operator that it is a member (\(reason)):"
                + " enrol it, `fleetctl mirror enrol`"
        case .revoked(let uri):
            "\(uri) was taken out of the fleet (`fleetctl mirror revoke`): enrol it, `fleetctl mirror enrol`"
        case .replaced(let uri):
            "another host has joined as \(uri) since this certificate was issued: enrol this one under a name of its own"
        }
    }
}
