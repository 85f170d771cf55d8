import Content
import FleetCertificates
import FleetModel
import Logging
import Store
import Synchronization
import Trust

/// Which mirrors are known to hold which release: this host's own receipts, and those that others gave. Of each set the
/// receipts of one release are kept, that which was held or waited for last, so that what others send takes no room beyond
/// one receipt of each mirror.
package final class Receipts: Sendable {
    private struct Entry {
        let signed: SignedReceipt
        let host: VerifiedHost
    }

    private struct Followed {
        let sequence: UInt64
        let release: ReleaseDigest
        var entries: [String: Entry] = [:]
        var isHeld = false
    }

    private let credentials: HostCredentials
    private let clock: WallClock
    private let logger: Logger
    private let followed = Mutex<[String: Followed]>([:])
    /// Raised when a receipt came, or somebody greeted who may have one.
    let news = Signal()

    init(credentials: HostCredentials, clock: WallClock, logger: Logger) {
        self.credentials = credentials
        self.clock = clock
        self.logger = logger
    }

    /// Signs that this host holds all of a release, which was just proved, and follows it. An origin signs nothing: it is
    /// no mirror.
    /// - Throws: what reading the certificate throws.
    func hold(_ release: ReleaseDigest, sequence: UInt64, ofSet set: String) throws {
        let isKnown = followed.withLock { followed in
            followed[set]?.release == release && followed[set]?.isHeld == true
        }
        guard !isKnown, credentials.identity.role == .agent else { return }
        let receipt = HoldReceipt(
            fleet: credentials.identity.fleet, host: credentials.identity.name, set: set, sequence: sequence,
            release: release, heldAt: clock.now())
        let signed = try credentials.sign(receipt)
        let (_, host) = try credentials.verifier.verify(signed)
        followed.withLock { followed in
            if followed[set]?.release != release {
                followed[set] = Followed(sequence: sequence, release: release)
            }
            followed[set]?.isHeld = true
            followed[set]?.entries[receipt.host] = Entry(signed: signed, host: host)
        }
        news.raise()
    }

    /// This host's own receipt of what it holds of a set, encoded; nil if it gave none.
    func own(ofSet set: String) -> [UInt8]? {
        followed.withLock { $0[set]?.entries[credentials.identity.name] }?.signed.encode()
    }

    /// All receipts of a release that are known here, ascending by host.
    func list(of release: ReleaseDigest, ofSet set: String) -> ReceiptList {
        followed.withLock { followed in
            guard let entry = followed[set], entry.release == release else { return ReceiptList() }
            return ReceiptList(entry.entries.sorted { $0.key < $1.key }.map(\.value.signed))
        }
    }

    /// Takes those of a list that are of the release that is followed and are verified; the others are let be.
    func take(_ list: ReceiptList, ofSet set: String, from source: String) {
        var hasNews = false
        for signed in list.words {
            guard let followed = followed.withLock({ $0[set] }),
                let claim = try? HoldReceipt(decoding: signed.body), claim.set == set,
                claim.release == followed.release, claim.sequence == followed.sequence,
                followed.entries[claim.host] == nil
            else { continue }
            do {
                let (receipt, host) = try credentials.verifier.verify(signed)
                self.followed.withLock { followed in
                    guard followed[set]?.release == receipt.release,
                        followed[set]?.entries.count ?? 0 < ReceiptList.limit
                    else { return }
                    followed[set]?.entries[receipt.host] = Entry(signed: signed, host: host)
                    hasNews = true
                }
            } catch {
                logger.warning("a receipt was refused", metadata: ["from": "\(source)", "error": "\(error)"])
            }
        }
        if hasNews { news.raise() }
    }

    /// How many mirrors are known to hold the release: members still, and allowed to have the set by `mayFetch`.
    func count(of release: ReleaseDigest, ofSet set: String, mayFetch: (String) -> Bool) -> Int {
        followed.withLock { followed in
            guard let entry = followed[set], entry.release == release else { return 0 }
            return entry.entries.values.count {
                credentials.verifier.refusal(of: $0.host) == nil && mayFetch($0.host.identity.name)
            }
        }
    }
}
