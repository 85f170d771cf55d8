import AsyncHTTPClient
import NIOSSL

/// Runs `body` with a bare HTTP client that offers only `curves` and `host`'s certificate, if any.
func withBareClient<Result>(
    _ host: TestFleet.Host?, curves: [NIOTLSCurve] = [.x25519_MLKEM768],
    _ body: (HTTPClient) async throws -> Result
) async throws -> Result {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.curves = curves
    tls.certificateVerification = .none
    if let host {
        tls.certificateChain = try NIOSSLCertificate.fromPEMFile(host.certificate).map { .certificate($0) }
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: host.key, format: .pem))
    }
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    configuration.httpVersion = .http1Only
    configuration.connectionPool.retryConnectionEstablishment = false
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
        let result = try await body(client)
        try await client.shutdown()
        return result
    } catch {
        try await client.shutdown()
        throw error
    }
}
