import Database
import FleetAPI
import FleetModel
import Trust

extension StateDatabase {
    /// An enrolment that waits for its host.
    struct StoredEnrolment {
        var name: String
        var expiresAt: Int64
        /// The encoded `SignedStanding` that admits the host.
        var admission: [UInt8]
        /// The root that the host begins with.
        var root: [UInt8]
    }

    /// Keeps an enrolment, in place of one of the same name.
    func save(_ enrolment: StoredEnrolment, secretHash: [UInt8]) throws {
        try connection.run(
            "INSERT OR REPLACE INTO enrolment VALUES (?, ?, ?, ?, ?)",
            [
                .text(enrolment.name), .blob(secretHash), .integer(enrolment.expiresAt), .blob(enrolment.admission),
                .blob(enrolment.root),
            ])
    }

    /// Takes out the enrolment with that hash, and notes that its host has joined: of two who ask for the same one, one
    /// gets it. Expired ones go, too.
    ///
    /// - Returns: the enrolment, and whether a host had joined under its name before; nil: there is none.
    func useEnrolment(
        secretHash: [UInt8], at now: Int64
    ) throws -> (enrolment: StoredEnrolment, replaces: Bool)? {
        try connection.withTransaction { session in
            try session.run("DELETE FROM enrolment WHERE expires_at < ?", [.integer(now)])
            let found = try session.first(
                "SELECT name, expires_at, admission, root FROM enrolment WHERE secret_hash = ?", [.blob(secretHash)]
            ) { row in
                StoredEnrolment(
                    name: try row.text(0), expiresAt: try row.integer(1), admission: try row.blob(2),
                    root: try row.blob(3))
            }
            guard let found else { return nil }
            let before = try session.first("SELECT joined_at FROM member WHERE name = ?", [.text(found.name)]) {
                try $0.integer(0)
            }
            try session.run("DELETE FROM enrolment WHERE name = ?", [.text(found.name)])
            try session.run(
                "INSERT OR REPLACE INTO member VALUES (?, ?, ?)",
                [.text(found.name), .integer(now), .blob(found.admission)])
            return (found, before != nil)
        }
    }

    /// Until when the tokens of the hosts that may join count, by name.
    func tokens() throws -> [String: Int64] {
        let rows = try connection.rows("SELECT name, expires_at FROM enrolment") { row in
            (try row.text(0), try row.integer(1))
        }
        return Dictionary(rows) { $1 }
    }

    /// When hosts joined last, and the encoded `SignedStanding` that admitted each, by name.
    func members() throws -> [String: (joinedAt: Int64, admission: [UInt8])] {
        let rows = try connection.rows("SELECT name, joined_at, admission FROM member") { row in
            (try row.text(0), (joinedAt: try row.integer(1), admission: try row.blob(2)))
        }
        return Dictionary(rows) { $1 }
    }

    /// Keeps all that counts of what operators said of hosts that lost their standing.
    func save(_ standings: StandingList) throws {
        try connection.withTransaction { session in
            for word in standings.words {
                let name = try HostStanding(decoding: word.body).name
                try session.run(
                    "INSERT OR REPLACE INTO standing VALUES (?, ?)", [.text(name), .blob(word.encode())])
            }
        }
    }

    /// What was kept last.
    func standings() throws -> StandingList {
        StandingList(
            try connection.rows("SELECT signed FROM standing ORDER BY name") { row in
                try SignedStanding(decoding: try row.blob(0))
            })
    }

    /// Keeps what operators said of hosts beyond fleet.yaml, in place of what was kept before.
    func save(_ overrides: [HostOverride]) throws {
        try connection.withTransaction { session in
            try session.run("DELETE FROM override")
            for override in overrides {
                try session.run(
                    "INSERT INTO override VALUES (?, ?, ?)",
                    [.text(override.mirror), .text(override.kind.rawValue), .blob(try WireJSON.encode(override))])
            }
        }
    }

    /// What was kept last.
    func overrides() throws -> [HostOverride] {
        try connection.rows("SELECT body FROM override ORDER BY mirror, kind") { row in
            try WireJSON.decode(HostOverride.self, from: try row.blob(0))
        }
    }
}
