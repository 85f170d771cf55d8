import FleetAPI
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

extension Response {
    /// An answer with a JSON body.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        let bytes = try WireJSON.encode(value)
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// An answer in the text format of Prometheus.
    static func metrics(_ text: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

extension Request {
    /// The body as a `Value`: at most `limit` bytes of it, within `deadline`.
    ///
    /// - Throws: `RequestError` with status 400, 408 or 413.
    func json<Value: Decodable & Sendable>(
        _ type: Value.Type, limit: Int, deadline: Duration
    ) async throws -> Value {
        if let text = headers[.contentLength], let length = Int(text), length > limit {
            throw RequestError.tooLarge(limit)
        }
        let body = body
        let bytes = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask {
                do {
                    return [UInt8](buffer: try await body.collect(upTo: limit))
                } catch is NIOTooManyBytesError {
                    throw RequestError.tooLarge(limit)
                }
            }
            group.addTask {
                try await Task.sleep(for: deadline)
                throw RequestError(.requestTimeout, RefusalCode.badRequest, "the body did not arrive in time")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
        do {
            return try WireJSON.decode(type, from: bytes)
        } catch {
            throw RequestError.badRequest("the body is not what this endpoint takes: \(error)")
        }
    }

    /// The value of a query field as an unsigned number; nil if it is not there; throws 400 if it is no number.
    func number(_ name: String) throws -> UInt64? {
        guard let text = uri.queryParameters[Substring(name)] else { return nil }
        guard let number = UInt64(text) else { throw RequestError.badRequest("\(name)= is not a number") }
        return number
    }

    /// The query field `wait` in seconds, cut to `longest`; zero if it is not there.
    func wait(longest: Duration) throws -> Duration {
        let seconds = try number("wait") ?? 0
        return min(.seconds(Int64(min(seconds, 86_400))), longest)
    }
}
