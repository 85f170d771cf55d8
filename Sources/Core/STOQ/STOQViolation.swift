package import Content

/// The rule of the protocol that a peer broke, with the evidence. Every one closes the connection.
package enum STOQViolation: Error, Hashable, Sendable, CustomStringConvertible {
    /// The connection does not begin with a HELLO of this protocol.
    case noHello
    /// The two ranges of versions have nothing in common.
    case noCommonVersion(minimum: UInt16, maximum: UInt16)
    /// A setting outside its range, twice, or missing.
    case badSetting(id: UInt64, value: UInt64?)
    /// A HELLO or GREETING that is not valid.
    case badGreeting(CodecError)
    /// A frame longer than this side takes.
    case frameTooLarge(length: UInt32, limit: Int)
    /// A frame of a type that must be understood and is not.
    case unknownFrame(type: UInt8)
    /// Flags, or reserved bits of the header, that have no meaning.
    case unknownFlags(type: UInt8, flags: UInt8, reserved: UInt16)
    /// A frame whose length cannot be that of its type.
    case badLength(type: UInt8, length: UInt32)
    /// A frame on a stream where its type has no place.
    case badStream(type: UInt8, stream: UInt32)
    /// A frame that has no place yet, or no more, in the course of the connection.
    case unexpectedFrame(type: UInt8)
    /// A stream of a kind that is not known.
    case unknownKind(stream: UInt32, kind: UInt8)
    /// A stream that was opened before, or is behind a later one.
    case streamReused(stream: UInt32, last: UInt32)
    /// A frame for a stream that was never opened.
    case streamNotOpened(stream: UInt32)
    /// More streams at once than were allowed.
    case tooManyStreams(limit: Int)
    /// A frame for a stream on which the peer had said its last word.
    case streamFinished(stream: UInt32)
    /// A message begins before the one before has ended, or a part comes without a beginning.
    case partOutOfOrder(stream: UInt32)
    /// A message longer than this side takes.
    case messageTooLarge(stream: UInt32, length: UInt32, limit: Int)
    /// Lengths of a message that cannot be: plain and different, or compressed and not smaller.
    case badMessageLengths(stream: UInt32, wire: UInt32, plain: UInt32)
    /// A part that goes beyond the end of its message.
    case messageOverrun(stream: UInt32, excess: Int)
    /// A part of fewer bytes than a part that is not the last must have.
    case partTooShort(stream: UInt32, length: Int)
    /// The end of a stream within a message.
    case finishInMessage(stream: UInt32)
    /// A message without the credit for it; stream 0 stands for the share of its kind.
    case creditExceeded(stream: UInt32, cost: Int, credit: Int)
    /// Credit of nothing, or above the window; stream 0 stands for the share of a kind.
    case badCredit(stream: UInt32, credit: UInt64)
    /// More pings, or refusals that we owe, than a well-meaning peer causes.
    case flood(type: UInt8)

    /// The code that goes with it.
    package var code: STOQErrorCode {
        switch self {
        case .noCommonVersion: .unsupportedVersion
        case .frameTooLarge, .messageTooLarge: .tooLarge
        case .creditExceeded, .badCredit: .flow
        case .badGreeting, .badSetting: .malformed
        default: .violation
        }
    }

    package var description: String {
        switch self {
        case .noHello: "the connection does not begin with a HELLO of this protocol"
        case .noCommonVersion(let minimum, let maximum):
            "the peer speaks versions \(minimum) to \(maximum), this side"
                + " \(STOQHello.versions.lowerBound) to \(STOQHello.versions.upperBound)"
        case .badSetting(let id, let value): "setting \(id) is \(value.map { "\($0)" } ?? "missing")"
        case .badGreeting(let error): "the greeting is not valid: \(error)"
        case .frameTooLarge(let length, let limit): "a frame of \(length) bytes, the limit is \(limit)"
        case .unknownFrame(let type): "a frame of the unknown type \(type)"
        case .unknownFlags(let type, let flags, let reserved):
            "a frame of type \(type) with flags \(flags) and reserved bits \(reserved)"
        case .badLength(let type, let length): "a frame of type \(type) with \(length) bytes"
        case .badStream(let type, let stream): "a frame of type \(type) on stream \(stream)"
        case .unexpectedFrame(let type): "a frame of type \(type) at this time"
        case .unknownKind(let stream, let kind): "stream \(stream) is of the unknown kind \(kind)"
        case .streamReused(let stream, let last): "stream \(stream) is opened after stream \(last)"
        case .streamNotOpened(let stream): "a frame for stream \(stream), which was never opened"
        case .tooManyStreams(let limit): "more than \(limit) streams at once"
        case .streamFinished(let stream): "a frame for stream \(stream) after its end"
        case .partOutOfOrder(let stream): "a part of a message out of order on stream \(stream)"
        case .messageTooLarge(let stream, let length, let limit):
            "a message of \(length) bytes on stream \(stream), the limit is \(limit)"
        case .badMessageLengths(let stream, let wire, let plain):
            "a message of \(wire) bytes that stand for \(plain) on stream \(stream)"
        case .messageOverrun(let stream, let excess): "\(excess) bytes beyond the end of a message on stream \(stream)"
        case .partTooShort(let stream, let length): "a part of \(length) bytes on stream \(stream)"
        case .finishInMessage(let stream): "stream \(stream) ends within a message"
        case .creditExceeded(let stream, let cost, let credit):
            "a message that costs \(cost) on stream \(stream) with credit for \(credit)"
        case .badCredit(let stream, let credit): "credit of \(credit) for stream \(stream)"
        case .flood(let type): "too many frames of type \(type)"
        }
    }
}
