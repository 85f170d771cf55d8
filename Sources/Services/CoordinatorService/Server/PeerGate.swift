import FleetAPI
import FleetCertificates
import FleetModel
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging

/// Turns every error into the API's error body. The outermost middleware.
struct ErrorGate: RouterMiddleware {
    typealias Context = CoordinatorRequestContext

    let logger: Logger

    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as RequestError {
            logger.info(
                "request refused",
                metadata: [
                    "fleet.path": "\(request.uri.path)", "fleet.status": "\(error.status.code)",
                    "fleet.code": "\(error.refusal.code)", "fleet.reason": "\(error.refusal.message)",
                ])
            var response = try Response.json(ErrorBody(error.refusal), status: error.status)
            if error.status == .contentTooLarge || error.status == .requestTimeout {
                // What is left of the body is not worth reading: the peer has a moment to see why, then it ends.
                response.headers[.connection] = "close"
                let channel = context.channel
                PeerConnectionHandler.stopReading(channel)
                channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
            }
            return response
        } catch let error as HTTPError where error.status == .notFound {
            return try Response.json(
                ErrorBody(Refusal(code: RefusalCode.notFound, message: "there is no such endpoint")), status: .notFound)
        } catch let error as HTTPError {
            return try Response.json(
                ErrorBody(Refusal(code: RefusalCode.badRequest, message: error.body ?? "the request is malformed")),
                status: error.status)
        } catch {
            logger.error(
                "request failed", metadata: ["fleet.path": "\(request.uri.path)", "fleet.error": "\(error)"])
            return try Response.json(
                ErrorBody(
                    Refusal(
                        code: RefusalCode.internal, message: "the coordinator could not do it",
                        hint: "its log says why")), status: .internalServerError)
        }
    }
}

/// Finds out who sends the request, and lets nobody in who does not belong to the fleet.
struct PeerGate: RouterMiddleware {
    typealias Context = CoordinatorRequestContext

    /// Name of the fleet.
    let fleet: String
    /// The hosts of fleet.yaml.
    let members: FleetMembers

    /// Knows who lost their standing since their connection began.
    let verifier: PeerVerifier

    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let peer: Peer?
        do {
            peer = try await PeerConnectionHandler.peer(of: context.channel)
        } catch let error as IdentityError {
            throw RequestError.notBelieved(error)
        } catch {
            throw RequestError.noIdentity
        }
        guard let peer else {
            guard Self.openPaths.contains(request.uri.path) else { throw RequestError.noIdentity }
            return try await next(request, context)
        }
        try check(peer)
        return try await next(request, context.with(peer))
    }

    /// What somebody without a certificate may ask for, by its path.
    private static let openPaths = Set(Route.allCases.filter { AccessTable.allows(nil, $0.call) }.map(\.path))

    private func check(_ peer: Peer) throws(RequestError) {
        let identity = peer.identity
        guard identity.fleet == fleet else {
            throw RequestError.notAllowed("\(identity.uri) is of another fleet than \(fleet)")
        }
        if let refusal = verifier.refusal(of: peer.host) { throw RequestError.notBelieved(refusal) }
        switch identity.role {
        case .operator, .coordinator, .reader: break
        case .agent, .origin:
            guard let role = members.role(of: identity.name), (role == .origin) == (identity.role == .origin) else {
                throw RequestError.notAllowed(
                    "\(identity.uri) is not in fleet.yaml with that role",
                    hint: "add \(identity.name) under mirrors: and run `fleetctl apply`")
            }
        }
    }
}
