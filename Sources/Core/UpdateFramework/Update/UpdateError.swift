/// Why an update, or the search for a target, is refused. Each case is one attack of the specification or one fault of a
/// repository, with what shows it.
package enum UpdateError: Error, Hashable, Sendable {
    /// The bytes are not the metadata that they should be.
    case badMetadata(RoleName, MetadataError)
    /// The repository has no such file.
    case missing(RoleName, version: Int64?)
    /// More bytes than the limit: endless data.
    case tooLong(RoleName, limit: Int)
    /// Fewer different keys than the threshold have signed: arbitrary software.
    case tooFewSigners(RoleName, delegator: RoleName, delegatorVersion: Int64, found: Int, threshold: Int)
    /// Not the root that follows the trusted one: a root left out, or an old one again.
    case rootOutOfOrder(held: Int64, found: Int64)
    /// Metadata older than what is trusted.
    case rollback(RoleName, held: Int64, found: Int64)
    /// A timestamp or a snapshot that lists a file with a lower version than the trusted one does.
    case listedRollback(by: RoleName, file: [UInt8], held: Int64, found: Int64)
    /// A snapshot that leaves out what the trusted one lists.
    case listedRemoved(file: [UInt8], held: Int64)
    /// Metadata that says nothing any more: somebody withholds what is newer, or nobody signed in time.
    case expired(RoleName, version: Int64, expires: MetadataTime, now: MetadataTime)
    /// Metadata that says that it was signed much later than now.
    case fromTheFuture(RoleName, version: Int64, signedAt: MetadataTime, now: MetadataTime)
    /// Bytes of another length or hash than listed: mix-and-match.
    case otherBytes(RoleName, listedBy: RoleName, version: Int64)
    /// Another version than listed: mix-and-match.
    case otherVersion(RoleName, listedBy: RoleName, listed: Int64, found: Int64)
    /// A role that somebody delegates to, and the snapshot does not know.
    case notListed(RoleName, snapshotVersion: Int64)
    /// Metadata that does not name its fleet and role.
    case unnamed(RoleName)
    /// Metadata of another fleet.
    case otherFleet(RoleName, expected: [UInt8], found: [UInt8])
    /// Metadata of another role: of another content set.
    case otherRole(RoleName, found: [UInt8])
    /// A role that two others delegate to.
    case delegatedTwice(RoleName, by: RoleName)
    /// A target longer than its description says: endless data.
    case targetTooLong(TargetPath, limit: Int64)
    /// A target that is not what its description says: arbitrary software.
    case otherTarget(TargetPath, role: RoleName, version: Int64)

    /// One word for it, for counters and for tests.
    package var label: String {
        switch self {
        case .badMetadata: "bad-metadata"
        case .missing: "missing"
        case .tooLong: "too-long"
        case .tooFewSigners: "too-few-signers"
        case .rootOutOfOrder: "root-out-of-order"
        case .rollback: "rollback"
        case .listedRollback: "listed-rollback"
        case .listedRemoved: "listed-removed"
        case .expired: "expired"
        case .fromTheFuture: "from-the-future"
        case .otherBytes: "other-bytes"
        case .otherVersion: "other-version"
        case .notListed: "not-listed"
        case .unnamed: "unnamed"
        case .otherFleet: "other-fleet"
        case .otherRole: "other-role"
        case .delegatedTwice: "delegated-twice"
        case .targetTooLong: "target-too-long"
        case .otherTarget: "other-target"
        }
    }
}

extension UpdateError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badMetadata(let role, let error):
            "the metadata of role \(role) is not what TUF says: \(error); ask another source"
        case .missing(let role, let version):
            "the metadata of role \(role)\(version.map { ", version \($0)," } ?? "") is not there: ask another source"
        case .tooLong(let role, let limit):
            "the metadata of role \(role) has more than \(limit) bytes: ask another source"
        case .tooFewSigners(let role, let delegator, let version, let found, let threshold):
            "the metadata of role \(role) is signed by \(found) of the keys that version \(version) of role \(delegator)"
                + " names for it, \(threshold) are needed: it is forged, or signatures are still to be collected"
        case .rootOutOfOrder(let held, let found):
            "root \(found) came where root \(held) + 1 must follow: ask another source"
        case .otherTarget(let path, let role, let version):
            "target \(path) is not what version \(version) of role \(role) says: it was changed on the way; ask another"
                + " source"
        case .targetTooLong(let path, let limit):
            "target \(path) has more than the \(limit) bytes that are signed for it: ask another source"
        case .rollback, .listedRollback, .listedRemoved, .expired, .fromTheFuture: ageText
        case .otherBytes, .otherVersion, .notListed, .unnamed, .otherFleet, .otherRole, .delegatedTwice: mixtureText
        }
    }

    /// Of what is too old.
    private var ageText: String {
        switch self {
        case .rollback(let role, let held, let found):
            "version \(found) of role \(role) came, version \(held) is trusted already: the source is behind, or leads"
                + " back on purpose; ask another one"
        case .listedRollback(let by, let file, let held, let found):
            "the new \(by) lists version \(found) of \(PrintableText(file)), the trusted one lists \(held): ask another"
                + " source; after a recovery, rotate the keys of timestamp and snapshot"
        case .listedRemoved(let file, let held):
            "the new snapshot leaves out \(PrintableText(file)), which the trusted one lists in version \(held): to remove"
                + " a role, rotate the keys of timestamp and snapshot"
        case .expired(let role, let version, let expires, let now):
            "version \(version) of role \(role) expired at \(expires), it is \(now): somebody withholds what is newer, or it"
                + " has to be signed again; look at this host's clock, too"
        case .fromTheFuture(let role, let version, let signedAt, let now):
            "version \(version) of role \(role) says that it was signed at \(signedAt), it is \(now) here: the clock of this"
                + " host or of the keeper is wrong"
        default: label
        }
    }

    /// Of what does not belong together.
    private var mixtureText: String {
        switch self {
        case .otherBytes(let role, let lister, let version):
            "the metadata of role \(role) has another length or hash than \(lister) lists for version \(version): ask another"
                + " source"
        case .otherVersion(let role, let lister, let listed, let found):
            "version \(found) of role \(role) came, \(lister) lists version \(listed): ask another source"
        case .notListed(let role, let version):
            "role \(role) is delegated to, and version \(version) of the snapshot does not list it: publish it first"
        case .unnamed(let role):
            "the metadata of role \(role) does not name its fleet and role: it was not written for this fleet"
        case .otherFleet(let role, let expected, let found):
            "the metadata of role \(role) is of fleet \(PrintableText(found)), this is fleet \(PrintableText(expected))"
        case .otherRole(let role, let found):
            "metadata of role \(PrintableText(found)) came where that of role \(role) belongs: ask another source"
        case .delegatedTwice(let role, let by):
            "role \(by) delegates to role \(role), and so does another one: delegate to it once"
        default: label
        }
    }
}
