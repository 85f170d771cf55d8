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

    private let settings: CoordinatorClient.Settings
    /// What new calls use.
    private let connections: Mutex<Connections>
    /// Index of the address that answered last.
    private let preferred = Mutex(0)

    init(_ settings: CoordinatorClient.Settings) throws(APIError) {
        self.settings = settings
        connections = Mutex(try Connections(settings))
    }

    /// Reads the files again; calls under way end over the connections that they began with.
    func reload() throws(APIError) {
        let renewed = try Connections(settings)
        connections.withLock { $0 = renewed }
    }

    /// Connections that show one certificate; they are closed when the last call over them has ended.
    private final class Connections: Sendable {
        let client: HTTPClient

        init(_ settings: CoordinatorClient.Settings) throws(APIError) {
            var configuration = HTTPClient.Configuration(
                tlsConfiguration: try Transport.tls(settings.credentials), redirectConfiguration: .disallow,
                timeout: .init(connect: TimeAmount(settings.connectTimeout)))
            configuration.httpVersion = .http1Only
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Transport.connectionsPerHost
            // The caller decides when to try again: an agent backs off, a command ends with exit code 5.
            configuration.connectionPool.retryConnectionEstablishment = false
            // Just below the coordinator's own limit for idle connections, so that no request meets a closing one.
            configuration.connectionPool.idleTimeout = .seconds(60)
            if let verifier = try Transport.verifier(settings.credentials) {
                let fleet = settings.fleet
                configuration.http1_1ConnectionDebugInitializer = { channel in
                    // Runs on the channel's loop once the handshake is done and before any request is written.
                    let checked = channel.eventLoop.makeCompletedFuture {
                        try Transport.checkServer(on: channel, fleet: fleet, verifier)
                    }
                    checked.whenFailure { _ in channel.close(promise: nil) }
                    return checked
                }
            }
            client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        }

        deinit {
            let client = client
            Task { try? await client.shutdown() }
        }
    }

    private static func load<Value>(
        _ what: String, _ path: String, _ body: () throws -> Value
    ) throws(APIError) -> Value {
        do {
            return try body()
        } catch {
            throw .notAllowed(
                message: "cannot read the \(what) \(path)", hint: "it must be a PEM file that this user may read")
        }
    }

    private static func tls(_ credentials: CoordinatorClient.Credentials) throws(APIError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.curves = [.x25519_MLKEM768]
        tls.certificateVerification = .noHostnameVerification  // the chain; the name is checked in `checkServer`
        switch credentials {
        case .none:
            tls.certificateVerification = .none
        case .authorityOnly(let authority):
            tls.trustRoots = .certificates(
                try load("authority", "in the coordinator's answer") {
                    try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8))
                })
        case .files(let certificate, let key, let authority):
            let chain = try load("certificate", certificate) { try NIOSSLCertificate.fromPEMFile(certificate) }
            let privateKey = try load("key", key) { try NIOSSLPrivateKey(file: key, format: .pem) }
            tls.trustRoots = .certificates(
                try load("authority", authority) { try NIOSSLCertificate.fromPEMFile(authority) })
            tls.certificateChain = chain.map { .certificate($0) }
            tls.privateKey = .privateKey(privateKey)
            do {
                _ = try NIOSSLContext(configuration: tls)
            } catch {
                throw .notAllowed(
                    message: "the key \(key) is not that of the certificate \(certificate)",
                    hint: "give the two files that were issued together")
            }
        }
        return tls
    }

    /// Decides whether the server is who it says; nil where anybody is believed.
    private static func verifier(_ credentials: CoordinatorClient.Credentials) throws(APIError) -> PeerVerifier? {
        do {
            switch credentials {
            case .none: return nil
            case .authorityOnly(let text):
                return try PeerVerifier(authorityPEM: text, place: "the coordinator's answer")
            case .files(_, _, let authority): return try PeerVerifier(authorityPath: authority)
            }
        } catch {
            throw .notAllowed(message: "\(error.place): \(error.message)", hint: error.remedy)
        }
    }

    /// Throws unless the other end's certificate, already verified against the authority, is our coordinator's.
    private static func checkServer(on channel: any Channel, fleet: String, _ verifier: PeerVerifier) throws {
        let handler = try channel.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
        guard let certificate = handler.peerCertificate,
            let identity = try? verifier.verify(certificateDER: certificate.toDERBytes()).identity
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
        // Held until the answer is there.
        let connections = connections.withLock { $0 }
        defer { withExtendedLifetime(connections) {} }
        do {
            let longest = settings.answerTimeout + min(wait, Self.longestWait)
            let deadline = NIODeadline.now() + TimeAmount(longest)
            let response = try await connections.client.execute(request, deadline: deadline)
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
