import NIOCore
import STOQ

/// How the kernel decides how fast a connection may send.
///
/// On a long path the usual control (cubic) takes every lost packet for a full link: at 0.1 % loss and 100 ms it moves a
/// few per cent of what BBR does. On a short path it makes no difference, and BBR's pacing costs timers.
enum CongestionControl {
    /// From here on a path is a long one.
    private static let longPath = Duration.milliseconds(2)
    /// TCP_CONGESTION takes a name; these are its bytes, "bbr" and a zero.
    private static let option = NIOBSDSocket.Option(rawValue: 13)
    private static let bbr = SocketOptionValue(CInt(littleEndian: 0x72_62_62))

    /// Whether a connection whose shortest round trip is `roundTrip` should have another control.
    static func isWanted(_ roundTrip: Duration?) -> Bool { roundTrip.map { $0 >= longPath } ?? false }

    /// Asks for BBR from now on. Where the kernel has none, or does not allow it, all stays as it is.
    static func improve(_ channel: any Channel) {
        try? channel.syncOptions?.setOption(.tcpOption(option), value: bbr)
    }
}
