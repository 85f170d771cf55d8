import Content
import Database
import Store
import Testing

@Suite("Databases of older programs are brought up to date")
struct MigrationTests {
    @Test("What was kept of a signed release is its document", arguments: [1, 127, 128, 300, 16_383])
    func documents(byteCount: Int) throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/store.db"
        let document = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var envelope = ByteWriter()
        envelope.bytes(Array("MFSR".utf8))
        envelope.u8(1)
        envelope.lengthPrefixed(document)
        envelope.bytes([1] + [UInt8](repeating: 9, count: 99))
        do {
            let old = try Connection(path: path, migrations: Array(StoreSchema.migrations.prefix(4)))
            try old.run(
                "INSERT INTO release VALUES (1, 2, x'00', x'00', ?)", [.blob(envelope.bytes)])
            try old.run("INSERT INTO past_release VALUES (1, 1, x'00', 5, ?)", [.blob(envelope.bytes)])
            try old.run(
                "INSERT INTO log_entry (set_number, chunk, epoch, ordinal, length) VALUES (1, x'aa', 3, 7, 9), (1, x'bb', 3, 8, 9)"
            )
        }
        let new = try Connection(path: path, migrations: StoreSchema.migrations)
        for table in ["release", "past_release"] {
            #expect(try new.first("SELECT document FROM \(table)") { try $0.blob(0) } == document)
        }
        let logged = try new.rows(
            "SELECT chunk, ordinal FROM log_entry WHERE set_number = 1 AND epoch = 3 ORDER BY ordinal"
        ) {
            [Int64(try $0.blob(0)[0]), try $0.integer(1)]
        }
        #expect(logged == [[0xaa, 7], [0xbb, 8]])
    }

    @Test("What is known of files whose blob is gone is forgotten")
    func sources() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/store.db"
        do {
            let old = try Connection(path: path, migrations: Array(StoreSchema.migrations.prefix(8)))
            try old.run("INSERT INTO blob (digest, size) VALUES (x'aa', 1)")
            for (name, blob) in [("held", "aa"), ("gone", "bb")] {
                try old.run("INSERT INTO source VALUES (1, ?, x'', x'\(blob)', NULL, x'', 1, 0)", [.text(name)])
            }
        }
        let new = try Connection(path: path, migrations: StoreSchema.migrations)
        #expect(try new.rows("SELECT path FROM source") { try $0.text(0) } == ["held"])
    }

    @Test("How much is held is counted once, and kept from then on")
    func totals() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/store.db"
        do {
            let old = try Connection(path: path, migrations: Array(StoreSchema.migrations.prefix(9)))
            try old.run("INSERT INTO blob (digest, size) VALUES (x'aa', 5), (x'bb', 70)")
        }
        let new = try Connection(path: path, migrations: StoreSchema.migrations)
        func totals() throws -> [Int64]? {
            try new.first("SELECT blobs, bytes FROM blob_total") { [try $0.integer(0), try $0.integer(1)] }
        }
        #expect(try totals() == [2, 75])
        // A row that is there already adds nothing.
        try new.run("INSERT OR IGNORE INTO blob (digest, size) VALUES (x'aa', 5), (x'cc', 900)")
        #expect(try totals() == [3, 975])
        try new.run("DELETE FROM blob WHERE digest = x'bb'")
        #expect(try totals() == [2, 905])
    }
}
