package import FleetModel

/// Answer to `GET /v1/status`.
package struct StatusAnswer: Codable, Sendable, Equatable {
    /// Counter of everything that can change the status, to be given as `after` in the next poll. Its value means
    /// nothing else, and differs after a restart of the coordinator.
    package var change: UInt64
    /// Generation of the newest plan; nil while there is none.
    package var generation: Generation?
    /// The state of the fleet.
    package var status: FleetStatus

    /// An answer.
    package init(change: UInt64, generation: Generation?, status: FleetStatus) {
        self.change = change
        self.generation = generation
        self.status = status
    }
}

/// Answer to `GET /v1/fleet`: the fleet.yaml that rules.
package struct FleetAnswer: Codable, Sendable, Equatable {
    /// The fleet's name.
    package var name: String
    /// BLAKE3 of the text, in hexadecimal.
    package var digest: String
    /// The text, byte for byte.
    package var text: Base64Bytes
    /// When this text was first accepted, in seconds since 1970.
    package var acceptedAt: Int64

    /// An answer.
    package init(name: String, digest: String, text: [UInt8], acceptedAt: Int64) {
        self.name = name
        self.digest = digest
        self.text = Base64Bytes(text)
        self.acceptedAt = acceptedAt
    }
}

/// Answer to `GET /v1/health`.
package struct HealthAnswer: Codable, Sendable, Equatable {
    /// The fleet's name.
    package var fleet: String
    /// Name of the coordinator, from its certificate.
    package var coordinator: String
    /// Version of the program.
    package var version: String
    /// When it started, in seconds since 1970.
    package var startedAt: Int64

    /// An answer.
    package init(fleet: String, coordinator: String, version: String, startedAt: Int64) {
        self.fleet = fleet
        self.coordinator = coordinator
        self.version = version
        self.startedAt = startedAt
    }
}
