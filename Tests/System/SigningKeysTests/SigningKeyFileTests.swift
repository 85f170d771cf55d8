import FleetCertificates
import Glibc
import LinuxIO
import SigningKeys
import TestSupport
import Testing
import UpdateFramework

/// A folder of one test, removed with it.
final class ScratchFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/fleet-signing-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit {
        try? Folder.open(path).removeContents()
        rmdir(path)
    }

    /// Writes `text` to a file of this folder; its path.
    func write(_ text: String, to name: String = "a.key", mode: mode_t = 0o600) throws -> String {
        try KeyFile.write(text, to: "\(path)/\(name)", .secret, replacing: true)
        #expect(chmod("\(path)/\(name)", mode) == 0)
        return "\(path)/\(name)"
    }
}

@Suite struct SigningKeyFileTests {
    private let folder: ScratchFolder
    private let vector: FormatFixture
    private let passphrase: [UInt8]

    init() throws {
        folder = try ScratchFolder()
        vector = try FormatFixture("key-file.txt")
        passphrase = Array(try vector.text("passphrase").utf8)
    }

    private func file(_ kind: String, _ secret: String?) throws -> String {
        try "# somebody\n\n\(vector.text(kind + "-public"))\n"
            + (secret.map { try vector.text("\(kind)-\($0)") + "\n# the end\n" } ?? "")
    }

    private func read(_ text: String, passphrase: String? = nil) throws -> any MetadataSigner {
        try SigningKeyFile.read(try folder.write(text)) { path in
            #expect(path == folder.path + "/a.key")
            return Array(try #require(passphrase, "the passphrase was asked for").utf8)
        }
    }

    @Test(arguments: [("hybrid", SigningKeyKind.hybrid), ("classic", .classic)])
    func `the vectors open to the same key, and it signs`(name: String, kind: SigningKeyKind) throws {
        let plain = try read(file(name, "secret"))
        let opened = try read(file(name, "encrypted"), passphrase: vector.text("passphrase"))
        let seed = [UInt8]((1...UInt8(kind.seedByteCount)))
        #expect(try #require(kind.signer(seed: seed)).key.id == plain.key.id)
        #expect(plain.key.id == opened.key.id)
        let verifying = try #require(plain.key.verifying)
        #expect(verifying.isValid(try opened.sign([1, 2]), for: [1, 2]))
        #expect(!verifying.isValid(try opened.sign([1, 2]), for: [1, 3]))
    }

    @Test func `the public half and the owner need neither passphrase nor mode`() throws {
        let path = try folder.write(file("hybrid", "encrypted"), mode: 0o644)
        let contents = try SigningKeyFile.readPublic(path)
        #expect(contents.comment == "somebody")
        #expect(contents.kind == .hybrid && contents.isSecret && contents.isEncrypted)
        #expect(try contents.key.id == read(file("hybrid", "secret")).key.id)
        let open = try SigningKeyFile.readPublic(try folder.write(file("classic", nil)))
        #expect(!open.isSecret && open.kind == .classic)
    }

    @Test func `what must not open says why and what to do`() throws {
        func refusal(_ text: String, mode: mode_t = 0o600, passphrase: String? = nil) throws -> CredentialError? {
            let path = try folder.write(text, mode: mode)
            return #expect(throws: CredentialError.self) {
                try SigningKeyFile.read(path) { _ in Array((passphrase ?? "").utf8) }
            }
        }
        let right = try vector.text("passphrase")
        #expect(try refusal(file("hybrid", "encrypted"), passphrase: right + " ")?.code == .passphrase)
        #expect(try refusal(file("hybrid", "encrypted"), passphrase: "")?.code == .passphrase)
        #expect(try refusal(file("hybrid", "secret"), mode: 0o644)?.code == .exposed)
        #expect(try refusal(file("hybrid", "secret"), mode: 0o620)?.code == .exposed)
        #expect(try refusal(file("hybrid", nil))?.message.contains("only the public half") == true)

        // A box that was moved below another public key, and a seed that is not the public key's.
        let other = try SigningKeyFile.make(.hybrid, owner: "mallory", passphrase: nil)
        let moved = try other.publicText + vector.text("hybrid-encrypted") + "\n"
        #expect(try refusal(moved, passphrase: right)?.code == .passphrase)
        #expect(try refusal(other.publicText + vector.text("hybrid-secret") + "\n")?.code == .otherKey)
    }

    @Test func `every broken line is named`() throws {
        let publicLine = try vector.text("classic-public")
        let secretLine = try vector.text("classic-secret")
        let encrypted = try vector.text("classic-encrypted")
        let salt = "ZGVmZ2hpamtsbW5vcHFycw=="
        let cases: [(String, KeyFileProblem)] = [
            ("", .noPublicKey), ("# only words\n", .noPublicKey), (secretLine, .noPublicKey),
            ("\(publicLine)\n\(publicLine)", .repeated(line: 2)),
            ("\(publicLine)\n\(secretLine)\n\(secretLine)", .repeated(line: 3)),
            ("\(publicLine)\n\(secretLine)\n\(encrypted)", .repeated(line: 3)),
            ("ed25519:AAAA", .badKey(line: 1)), ("ed25519:\(publicLine.dropFirst(9))", .badKey(line: 1)),
            ("\(publicLine) ", .badKey(line: 1)), ("\(publicLine)\r\n", .badKey(line: 1)),
            ("ed25519", .unknownLine(1)), ("\n\nrsa:AAAA", .unknownLine(3)),
            ("\(publicLine)\ned25519-hidden:AAAA", .unknownLine(2)),
            ("\(publicLine)\ned25519-secret:AAAA", .badKey(line: 2)),
            ("\(publicLine)\n\(try vector.text("hybrid-secret"))", .otherKind(line: 2)),
            ("\(publicLine)\ned25519-signer:sign", .badCommand(line: 2)),
            ("\(publicLine)\ned25519-signer:", .badCommand(line: 2)),
            ("\(publicLine)\ned25519-signer:/bin/sign  twice", .badCommand(line: 2)),
            ("\(publicLine)\n\(encrypted.replacing("scrypt", with: "argon2"))", .badEncryption(line: 2)),
            ("\(publicLine)\n\(encrypted.replacing(":16:", with: ":14:"))", .badEncryption(line: 2)),
            ("\(publicLine)\n\(encrypted.replacing(":16:", with: ":19:"))", .badEncryption(line: 2)),
            ("\(publicLine)\n\(encrypted.replacing(":16:", with: ":016:"))", .badEncryption(line: 2)),
            ("\(publicLine)\n\(encrypted.replacing(salt, with: "ZGVm"))", .badEncryption(line: 2)),
            ("\(publicLine)\n\(encrypted):AAAA", .badEncryption(line: 2)),
            (String(repeating: "#", count: KeyFileText.maximumByteCount + 1), .tooLong),
        ]
        #expect(encrypted.contains(salt))
        for (text, problem) in cases {
            let found = #expect(throws: KeyFileProblem.self, "\(text.prefix(80))") { try KeyFileText(text) }
            #expect(found == problem, "\(text.suffix(80))")
        }
    }

    @Test(arguments: SigningKeyKind.allCases)
    func `a new key is written once and read back, with and without a passphrase`(kind: SigningKeyKind) throws {
        for words in [nil, "eight ch"] {
            let new = try SigningKeyFile.make(
                kind, owner: "alice\n\u{1B}[31m", passphrase: words.map { Array($0.utf8) })
            let path = "\(folder.path)/\(words == nil ? "plain" : "encrypted").key"
            try new.write(to: path)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            let signer = try SigningKeyFile.read(path) { _ in Array(try #require(words).utf8) }
            #expect(signer.key.id == new.signer.key.id)
            #expect(try SigningKeyFile.readPublic(path).comment == "alice??[31m")
            #expect(try KeyFileText(new.publicText).key.id == signer.key.id)
            #expect(SigningKeyFile.publicText(of: signer.key, owner: new.owner) == new.publicText)
            #expect(throws: CredentialError.self) { try new.write(to: path) }
            #expect(!"\(new) \(new.debugDescription)".contains("secret"))
        }
        for words in ["", "seven b", String(repeating: "x", count: 1_025)] {
            let error = #expect(throws: CredentialError.self) {
                try SigningKeyFile.make(kind, owner: "", passphrase: Array(words.utf8))
            }
            #expect(error?.code == .passphrase)
        }
    }

    @Test func `a program signs, and only what verifies is taken`() throws {
        let message = Array("what is signed".utf8)
        let signature = try read(file("classic", "secret")).sign(message)
        let kept = folder.path + "/signature"
        let out = try Folder.open(folder.path).createFile("signature")
        try out.write(signature, at: 0)
        func signer(_ body: String) throws -> any MetadataSigner {
            let program = try folder.write("#!/bin/sh\n\(body)\n", to: "signer", mode: 0o700)
            return try read("\(vector.text("classic-public"))\ned25519-signer:\(program) one two\n")
        }
        let good = try signer("[ \"$1 $2\" = 'one two' ] && [ \"$(cat)\" = 'what is signed' ] && cat \(kept)")
        #expect(try good.sign(message) == signature)
        let cases = [
            ("cat >/dev/null; cat \(kept) \(kept)", "more than a signature"),
            ("cat >/dev/null; head -c 63 \(kept)", "63 bytes that are no signature"),
            ("exec 0<&-; printf %064d 0", "64 bytes that are no signature"), ("exit 3", "ended with code 3"),
            ("kill -9 $$", "ended with code 137"),
        ]
        for (body, words) in cases {
            let error = #expect(throws: CredentialError.self) { try signer(body).sign(message) }
            #expect(error?.code == .signer && error?.message.contains(words) == true, "\(body): \(error as Any)")
        }
        let missing = try read("\(vector.text("classic-public"))\ned25519-signer:/nowhere/signer\n")
        let error = #expect(throws: CredentialError.self) { try missing.sign(message) }
        #expect(error?.message.contains("cannot be started") == true)
    }
}
