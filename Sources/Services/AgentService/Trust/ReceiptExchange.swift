import Content
import FleetAPI
import FleetModel
import STOQ
import STOQTransport
import Trust

/// Asks others which mirrors hold a release: peers, neighbours, and the coordinator, any of which may be silent.
struct ReceiptExchange: Sendable {
    /// One host, or the coordinator, is waited for no longer than this.
    private static let patience = Duration.seconds(5)

    /// What is known here.
    let known: Receipts
    let endpoint: STOQEndpoint
    let client: CoordinatorClient
    /// Whom the coordinator last named.
    let neighbours: @Sendable () -> [Neighbour]

    /// Takes what `peers`, the neighbours and the coordinator know of a release. Ends when all have answered, or were waited
    /// for.
    func ask(_ peers: [PlanSource], for release: ReleaseDigest, ofSet set: String, as host: String) async {
        await withDiscardingTaskGroup { group in
            for peer in Self.hosts(peers, neighbours(), except: host) {
                group.addTask {
                    guard
                        let bytes = try? await endpoint.connection(
                            to: peer.name, role: nil, host: peer.address.host, port: peer.address.port
                        ).item(
                            .receipts(set: set, release), limit: ReceiptList.maximumByteCount, within: Self.patience),
                        let list = try? ReceiptList(decoding: bytes)
                    else { return }
                    known.take(list, ofSet: set, from: peer.name)
                }
            }
            group.addTask {
                guard let bytes = try? await client.receipts(set: set, release: "\(release)"),
                    let list = try? ReceiptList(decoding: bytes)
                else { return }
                known.take(list, ofSet: set, from: "coordinator")
            }
        }
    }

    /// Every host that a line of a plan or the neighbourhood names, once.
    static func hosts(_ peers: [PlanSource], _ neighbours: [Neighbour], except host: String) -> [Neighbour] {
        var seen: Set<String> = [host]
        return (peers.map { Neighbour(name: $0.name, address: $0.address) } + neighbours).filter {
            seen.insert($0.name).inserted
        }
    }
}
