import Crypto
import CryptoExtras
import FleetCertificates
import FoundationEssentials
import Trust

/// The seed of a key under a passphrase: scrypt makes a key of the passphrase, ChaCha20-Poly1305 encrypts with it.
struct EncryptedSeed: Sendable, Hashable {
    /// The name of the method in key files.
    static let method = "scrypt"
    /// What a key file may ask for, as the binary logarithm of scrypt's N. With r = 8 and p = 1, which are fixed, 15
    /// takes 32 MiB and 18 takes 256 MiB: less is guessed too quickly, more is a file that wants this machine's memory.
    static let costs = 15...18
    /// 128 MiB, and some 0.4 s: what OWASP recommends.
    static let defaultCost = 17
    static let saltByteCount = 16

    private static let nonceByteCount = 12
    private static let tagByteCount = 16
    private static let domain = Array("mirrorfleet v1 key file".utf8) + [0]

    let cost: Int
    let salt: [UInt8]
    /// Nonce, encrypted seed, tag.
    let box: [UInt8]

    /// From the part of a line behind the method, `COST:SALT:BOX`; nil if it is no such thing for a seed of
    /// `seedByteCount` bytes.
    init?(text: Substring, seedByteCount: Int) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let cost = Int(parts[0]), String(cost) == parts[0], Self.costs.contains(cost),
            let salt = Base64.decode(String(parts[1])), salt.count == Self.saltByteCount,
            let box = Base64.decode(String(parts[2])),
            box.count == Self.nonceByteCount + seedByteCount + Self.tagByteCount
        else { return nil }
        self.cost = cost
        self.salt = salt
        self.box = box
    }

    /// Encrypts `seed`. `publicLine` is what the file says of the key: the box opens beside no other. Throws an error of
    /// Crypto.
    init(
        _ seed: [UInt8], publicLine: String, passphrase: [UInt8], cost: Int = defaultCost,
        salt: [UInt8] = RandomBytes.make(count: saltByteCount),
        nonce: [UInt8] = RandomBytes.make(count: nonceByteCount)
    ) throws {
        precondition(Self.costs.contains(cost), "a cost of \(cost)")
        self.cost = cost
        self.salt = salt
        let key = try Self.key(passphrase, salt: salt, cost: cost)
        box = Array(
            try ChaChaPoly.seal(
                seed, using: key, nonce: ChaChaPoly.Nonce(data: nonce), authenticating: Self.bound(publicLine)
            ).combined)
    }

    /// The seed; nil if the passphrase is wrong or the file was changed, which cannot be told apart. Throws an error of
    /// Crypto if the memory is not there.
    func open(publicLine: String, passphrase: [UInt8]) throws -> [UInt8]? {
        let key = try Self.key(passphrase, salt: salt, cost: cost)
        return (try? ChaChaPoly.open(.init(combined: box), using: key, authenticating: Self.bound(publicLine)))
            .map { Array($0) }
    }

    /// The part of a line behind the method.
    var text: String { "\(cost):\(Base64.encode(salt)):\(Base64.encode(box))" }

    private static func key(_ passphrase: [UInt8], salt: [UInt8], cost: Int) throws -> SymmetricKey {
        try KDF.Scrypt.deriveKey(
            from: passphrase, salt: salt, outputByteCount: 32, rounds: 1 << cost, blockSize: 8, parallelism: 1)
    }

    private static func bound(_ publicLine: String) -> [UInt8] { domain + Array(publicLine.utf8) }
}
