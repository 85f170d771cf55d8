package import Database

/// The history of the database's schema. Steps are never changed once released.
package enum StoreSchema {
    /// Takes the document out of the envelope of a signed release: its length is a number of seven bits a byte, low ones
    /// first, in bytes 6 and, from 128 on, 7.
    private static func unwrapped(_ table: String) -> String {
        func byte(_ place: Int) -> String {
            let digits = "'0123456789ABCDEF'"
            let text = "hex(substr(document, \(place), 1))"
            return "((instr(\(digits), substr(\(text), 1, 1)) - 1) * 16 + instr(\(digits), substr(\(text), 2, 1)) - 1)"
        }
        return """
            UPDATE \(table) SET document = CASE WHEN \(byte(6)) < 128 THEN substr(document, 7, \(byte(6)))
                ELSE substr(document, 8, \(byte(6)) - 128 + \(byte(7)) * 128) END
            WHERE substr(document, 1, 5) = X'4D46535201';
            """
    }

    /// All of them, from version 1 on.
    package static let migrations = [
        Migration(
            1,
            """
            CREATE TABLE content_set (
                number INTEGER PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                head INTEGER,
                damaged INTEGER NOT NULL DEFAULT 0,
                verified_at INTEGER,
                log BLOB,
                link_from INTEGER NOT NULL DEFAULT 0,
                link_until INTEGER NOT NULL DEFAULT 0
            );
            CREATE TABLE release (
                set_number INTEGER NOT NULL,
                sequence INTEGER NOT NULL,
                digest BLOB NOT NULL,
                root BLOB NOT NULL,
                signed BLOB NOT NULL,
                PRIMARY KEY (set_number, sequence)
            );
            CREATE TABLE blob (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                digest BLOB NOT NULL UNIQUE,
                size INTEGER NOT NULL,
                list BLOB
            );
            CREATE TABLE variant (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                blob INTEGER NOT NULL,
                modified INTEGER NOT NULL,
                executable INTEGER NOT NULL,
                copy INTEGER NOT NULL,
                UNIQUE (blob, modified, executable, copy)
            );
            CREATE TABLE attachment (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                blob INTEGER NOT NULL,
                list BLOB NOT NULL,
                UNIQUE (blob, list)
            );
            CREATE TABLE node (digest BLOB NOT NULL PRIMARY KEY, bytes BLOB NOT NULL);
            CREATE TABLE chunk_list (digest BLOB NOT NULL PRIMARY KEY, bytes BLOB NOT NULL);
            CREATE TABLE changeset (digest BLOB NOT NULL PRIMARY KEY, bytes BLOB NOT NULL);
            CREATE TABLE log_entry (
                set_number INTEGER NOT NULL,
                chunk BLOB NOT NULL,
                epoch INTEGER NOT NULL,
                ordinal INTEGER NOT NULL,
                length INTEGER NOT NULL,
                PRIMARY KEY (set_number, chunk)
            ) WITHOUT ROWID;
            CREATE UNIQUE INDEX log_entry_ordinal ON log_entry (set_number, epoch, ordinal);
            CREATE TABLE source (
                set_number INTEGER NOT NULL,
                path BLOB NOT NULL,
                attributes BLOB NOT NULL,
                blob BLOB NOT NULL,
                list BLOB,
                further BLOB NOT NULL,
                profile INTEGER NOT NULL,
                linked INTEGER NOT NULL,
                PRIMARY KEY (set_number, path)
            ) WITHOUT ROWID;
            CREATE TABLE bad_path (
                set_number INTEGER NOT NULL,
                sequence INTEGER NOT NULL,
                path BLOB NOT NULL,
                blob BLOB,
                reason TEXT NOT NULL,
                bytes INTEGER NOT NULL,
                found_at INTEGER NOT NULL,
                PRIMARY KEY (set_number, sequence, path)
            ) WITHOUT ROWID;
            CREATE TABLE mark (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
            """),
        Migration(
            2,
            """
            ALTER TABLE content_set ADD COLUMN kept_releases INTEGER NOT NULL DEFAULT 5;
            CREATE TABLE unfinished_fetch (
                set_number INTEGER PRIMARY KEY,
                sequence INTEGER NOT NULL,
                root BLOB NOT NULL,
                changeset BLOB
            );
            CREATE TABLE past_release (
                set_number INTEGER NOT NULL,
                sequence INTEGER NOT NULL,
                changeset BLOB NOT NULL,
                bytes INTEGER NOT NULL,
                signed BLOB NOT NULL,
                PRIMARY KEY (set_number, sequence)
            );
            CREATE TABLE removed_file (name BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;
            """),
        // Trees that may be edited, and how often a node or chunk list went: whoever removes one, by this program or by
        // hand, so that a closure need not be proved again while nothing went.
        Migration(
            3,
            """
            CREATE TABLE tree (
                set_number INTEGER NOT NULL,
                name TEXT NOT NULL,
                sequence INTEGER NOT NULL,
                sound INTEGER NOT NULL,
                boot TEXT,
                retired INTEGER,
                PRIMARY KEY (set_number, name)
            ) WITHOUT ROWID;
            ALTER TABLE content_set ADD COLUMN proved_removals INTEGER;
            INSERT INTO mark (name, value) VALUES ('removals', 0);
            CREATE TRIGGER node_removed AFTER DELETE ON node
                BEGIN UPDATE mark SET value = value + 1 WHERE name = 'removals'; END;
            CREATE TRIGGER node_changed AFTER UPDATE ON node
                BEGIN UPDATE mark SET value = value + 1 WHERE name = 'removals'; END;
            CREATE TRIGGER chunk_list_removed AFTER DELETE ON chunk_list
                BEGIN UPDATE mark SET value = value + 1 WHERE name = 'removals'; END;
            CREATE TRIGGER chunk_list_changed AFTER UPDATE ON chunk_list
                BEGIN UPDATE mark SET value = value + 1 WHERE name = 'removals'; END;
            """),
        // Inodes whose times are being changed in place, and sets whose head does not show its own times since.
        Migration(
            4,
            """
            CREATE TABLE time_change (
                set_number INTEGER NOT NULL,
                digest BLOB NOT NULL,
                executable INTEGER NOT NULL,
                copy INTEGER NOT NULL,
                modified INTEGER NOT NULL,
                next_modified INTEGER NOT NULL,
                decided INTEGER NOT NULL DEFAULT 0,
                PRIMARY KEY (digest, executable, copy, modified)
            ) WITHOUT ROWID;
            ALTER TABLE content_set ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0;
            """),
        // Releases are signed as targets of TUF: what is kept is the document, without the envelope that it had, of five
        // bytes, the length of the document in one byte or two, the document, and signatures.
        Migration(
            5,
            """
            ALTER TABLE release RENAME COLUMN signed TO document;
            ALTER TABLE past_release RENAME COLUMN signed TO document;
            \(unwrapped("release"))
            \(unwrapped("past_release"))
            """),
        Migration(6, "CREATE TABLE yank (set_number INTEGER PRIMARY KEY, list BLOB NOT NULL);"),
        // Trees that were adopted, until the first release of their set is the head: rows above these are theirs.
        Migration(
            7,
            """
            CREATE TABLE adoption (
                set_number INTEGER PRIMARY KEY,
                folder TEXT,
                last_blob INTEGER NOT NULL,
                last_variant INTEGER NOT NULL,
                last_list INTEGER NOT NULL
            );
            """),
        // A chunk may stand in two epochs of a log: the next one is written while the last is the head's.
        Migration(
            8,
            """
            ALTER TABLE log_entry RENAME TO old_log_entry;
            DROP INDEX log_entry_ordinal;
            CREATE TABLE log_entry (
                set_number INTEGER NOT NULL,
                epoch INTEGER NOT NULL,
                chunk BLOB NOT NULL,
                ordinal INTEGER NOT NULL,
                length INTEGER NOT NULL,
                PRIMARY KEY (set_number, epoch, chunk)
            ) WITHOUT ROWID;
            INSERT INTO log_entry (set_number, epoch, chunk, ordinal, length)
                SELECT set_number, epoch, chunk, ordinal, length FROM old_log_entry ORDER BY set_number, epoch, chunk;
            DROP TABLE old_log_entry;
            CREATE UNIQUE INDEX log_entry_ordinal ON log_entry (set_number, epoch, ordinal);
            """),
        // A record of a source file says that its blob is held.
        Migration(9, "DELETE FROM source WHERE blob NOT IN (SELECT digest FROM blob);"),
        // How much is held: every report says it, and reading all rows for that takes longer than many a sync.
        Migration(
            10,
            """
            CREATE TABLE blob_total (number INTEGER PRIMARY KEY CHECK (number = 1), blobs INTEGER NOT NULL,
                bytes INTEGER NOT NULL);
            INSERT INTO blob_total (number, blobs, bytes) SELECT 1, COUNT(*), COALESCE(SUM(size), 0) FROM blob;
            CREATE TRIGGER blob_added AFTER INSERT ON blob
                BEGIN UPDATE blob_total SET blobs = blobs + 1, bytes = bytes + NEW.size; END;
            CREATE TRIGGER blob_removed AFTER DELETE ON blob
                BEGIN UPDATE blob_total SET blobs = blobs - 1, bytes = bytes - OLD.size; END;
            """),
    ]
}
