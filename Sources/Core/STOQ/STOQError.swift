import Content

/// Why a stream or a connection ended before its time.
package struct STOQError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Who said so.
    package enum Origin: Hashable, Sendable {
        /// This side.
        case local
        /// The other side, in a RESET or GOAWAY frame.
        case peer
    }

    /// What kind of end it is, for programs.
    package let code: STOQErrorCode
    /// What went wrong, with the values. A peer's words are escaped and short.
    package let reason: String
    /// Who said so.
    package let origin: Origin

    package init(_ code: STOQErrorCode, _ reason: String, origin: Origin = .local) {
        self.code = code
        self.reason = reason
        self.origin = origin
    }

    /// What a peer's frame says; its text becomes safe to print.
    init(fromPeer code: UInt16, reason: ArraySlice<UInt8>) {
        self.init(STOQErrorCode(wire: code), TerminalText.escape(reason), origin: .peer)
    }

    package var description: String {
        let text = reason.isEmpty ? "\(code)" : "\(code): \(reason)"
        return origin == .peer ? "the peer says \(text)" : text
    }
}
