import FleetCertificates
import FleetModel
import LinuxIO
import Logging
import SigningKeys
import Trust
import UpdateFramework

extension TrustedRepository {
    /// What the host of `settings` believes: kept in `folder`, from the root that agent.yaml names on; with an online key
    /// it is the keeper. Throws ``TrustStartError`` and `FileError`.
    static func open(
        _ settings: AgentSettings, in folder: Folder, clock: WallClock, logger: Logger
    ) throws -> TrustedRepository {
        let root = try OpenFile.open(Array(settings.trust.rootPath.utf8))
            .readAll(limit: MetadataLimits.byteCount(of: .root))
        let keeper = try settings.trust.onlineKeyPath.map { path in
            RepositoryKeeper(fleet: settings.fleet, signer: try onlineKey(path))
        }
        return try TrustedRepository(
            fleet: settings.fleet, root: root, folder: folder, keeper: keeper, wallClock: { clock.now() },
            logger: logger)
    }

    private static func onlineKey(_ path: String) throws(TrustStartError) -> any MetadataSigner {
        do {
            return try SigningKeyFile.read(path) { file in
                throw TrustStartError.badOnlineKey("\(file) has a passphrase, and nobody is there to type it")
            }
        } catch let error as TrustStartError {
            throw error
        } catch {
            throw .badOnlineKey("\(error)")
        }
    }
}
