import AsyncHTTPClient
import FleetCertificates
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Connections to the coordinator: mutual TLS 1.3 with the hybrid key exchange, the server proven by its certificate.
final class Transport: Sendable {
    /// Largest answer taken: the status or the reports of some thousand mirrors are below it.
    private static let largestAnswer = 32 << 20
    /// No long poll is answered later.
    private static let longestWait: Duration = .seconds(60)
    /// A host has one long poll and a call or two; a command the same.
    private static let connectionsPerHost = 4

    private let client: HTTPClient
    private let settings: CoordinatorClient.Settings
    /// Index of the address that answered last.
    private let preferred = Mutex(0)

    init(_ settings: CoordinatorClient.Settings) throws(APIError) {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try Self.tls(settings), redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(settings.connectTimeout)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.connectionsPerHost
        // The caller decides when to try again: an agent backs off, a command ends with exit code 5.
        configuration.connectionPool.retryConnectionEstablishment = false
        // Just below the coordinator's own limit for idle connections, so that no request meets a closing one.
        configuration.connectionPool.idleTimeout = .seconds(60)
        let fleet = settings.fleet
        configuration.http1_1ConnectionDebugInitializer = { channel in
            // Runs on the channel's loop once the handshake is done and before any request is written.
            let checked = channel.eventLoop.makeCompletedFuture { try Self.checkServer(on: channel, fleet: fleet) }
            checked.whenFailure { _ in channel.close(promise: nil) }
            return checked
        }
        self.settings = settings
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        let client = client
        Task { try? await client.shutdown() }
    }

    private static func tls(_ settings: CoordinatorClient.Settings) throws(APIError) -> TLSConfiguration {
        func load<Value>(_ what: String, _ path: String, _ body: () throws -> Value) throws(APIError) -> Value {
            do {
                return try body()
            } catch {
                throw .notAllowed(
                    message: "cannot read the \(what) \(path)", hint: "it must be a PEM file that this user may read")
            }
        }
        let chain = try load("certificate", settings.certificate) {
            try NIOSSLCertificate.fromPEMFile(settings.certificate)
        }
        let key = try load("key", settings.key) { try NIOSSLPrivateKey(file: settings.key, format: .pem) }
        let roots = try load("authority", settings.authority) { try NIOSSLCertificate.fromPEMFile(settings.authority) }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.curves = [.x25519_MLKEM768]
        tls.certificateVerification = .noHostnameVerification  // the chain; the name is checked in `checkServer`
        tls.trustRoots = .certificates(roots)
        tls.certificateChain = chain.map { .certificate($0) }
        tls.privateKey = .privateKey(key)
        do {
            _ = try NIOSSLContext(configuration: tls)
        } catch {
            throw .notAllowed(
                message: "the key \(settings.key) is not that of the certificate \(settings.certificate)",
                hint: "give the two files that were issued together")
        }
        return tls
    }

    /// Throws unless the other end's certificate, already verified against the authority, is our coordinator's.
    private static func checkServer(on channel: any Channel, fleet: String) throws {
        let handler = try channel.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
        guard let certificate = handler.peerCertificate,
            let identity = try? FleetIdentity(certificateDER: certificate.toDERBytes())
        else {
            throw APIError.notAllowed(
                message: "the server's certificate names no host of a fleet", hint: "is the address right?")
        }
        guard identity.role == .coordinator, identity.fleet == fleet else {
            throw APIError.notAllowed(
                message: "the server is \(identity.uri), not a coordinator of the fleet \(fleet)",
                hint: "is the address right?")
        }
    }
}

extension Transport {
    /// One request, and the body of the answer if its status is 200.
    ///
    /// - Parameters:
    ///   - parts: what to put for the braces of the path.
    ///   - wait: what a long poll asks for, added to the time for an answer.
    func send(
        _ route: Route, parts: [String: String], query: [(String, String)], body: [UInt8]?, wait: Duration
    ) async throws -> [UInt8] {
        let first = preferred.withLock { $0 }
        var last = APIError.unreachable(address: "-", reason: "no address is known")
        for offset in settings.addresses.indices {
            let index = (first + offset) % settings.addresses.count
            let address = settings.addresses[index]
            do {
                let url = try Self.url(address, route, parts: parts, query: query)
                let answer = try await send(route, url: url, address: address, body: body, wait: wait)
                preferred.withLock { $0 = index }
                return answer
            } catch let error as APIError {
                guard case .unreachable = error else { throw error }
                last = error
            }
        }
        throw last
    }

    private func send(
        _ route: Route, url: String, address: String, body: [UInt8]?, wait: Duration
    ) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: route.method)
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        do {
            let longest = settings.answerTimeout + min(wait, Self.longestWait)
            let deadline = NIODeadline.now() + TimeAmount(longest)
            let response = try await client.execute(request, deadline: deadline)
            let buffer = try await response.body.collect(upTo: Self.largestAnswer)
            let bytes = [UInt8](buffer: buffer)
            guard response.status == .ok else { throw Self.error(status: response.status.code, body: bytes) }
            return bytes
        } catch let error as APIError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch is NIOTooManyBytesError {
            throw APIError.malformed(what: "it is larger than \(Self.largestAnswer >> 20) MiB")
        } catch {
            try Task.checkCancellation()
            throw Self.error(error, address: address)
        }
    }

    private static func url(
        _ address: String, _ route: Route, parts: [String: String], query: [(String, String)]
    ) throws(APIError) -> String {
        guard address.hasPrefix("https://") else {
            throw .notAllowed(
                message: "\(address) is no address of a coordinator", hint: "write it as https://HOST:PORT")
        }
        var path = route.path
        for (name, value) in parts {
            path = path.split(separator: "/", omittingEmptySubsequences: false)
                .map { $0 == "{\(name)}" ? Self.escape(value) : String($0) }.joined(separator: "/")
        }
        let asked = query.map { "\($0.0)=\(escape($0.1))" }.joined(separator: "&")
        let base = address.hasSuffix("/") ? String(address.dropLast()) : address
        return base + path + (asked.isEmpty ? "" : "?" + asked)
    }

    /// Percent-encodes everything but the unreserved characters of RFC 3986.
    private static func escape(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                escaped += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return escaped
    }
}
