import Content
import Dispatch
import FleetAPI
import FleetModel
import Store

/// A directory that fleetctl has read itself: only a release of exactly this tree is signed.
struct LocalReading {
    /// The most nodes that are asked for to find where another tree differs.
    private static let askedNodes = 64

    let source: String
    let rules: SourceRules
    let manifest: SourceManifest

    /// Reads the directory `source` by the rules of `policy`, with progress. Throws a `FleetctlError` if a release cannot
    /// hold the tree, or it changed while it was read.
    static func read(_ source: String, policy: SetPolicy, terminal: Terminal) async throws -> LocalReading {
        let rules: SourceRules
        do {
            rules = try SourceRules(policy)
        } catch {
            throw FleetctlError(.usage, "this fleetctl knows no \(error)")
        }
        return try await read(source, rules, set: policy.name, terminal: terminal)
    }

    /// Reads the directory `source` of `set` by `rules`, with progress. Throws as ``read(_:policy:terminal:)``.
    static func read(
        _ source: String, _ rules: SourceRules, set: String, terminal: Terminal
    ) async throws -> LocalReading {
        do {
            // A thread of its own: it waits for the disk.
            let manifest: SourceManifest = try await withCheckedThrowingContinuation { continuation in
                DispatchQueue.global().async {
                    continuation.resume(with: Result { try Self.manifest(source, rules, set, terminal) })
                }
            }
            return LocalReading(source: source, rules: rules, manifest: manifest)
        } catch let error as StoreError {
            throw FleetctlError(
                error.isRefusal ? .refused : .failed, "\(source) on this machine: \(error.message)", hint: error.remedy)
        }
    }

    private static func manifest(
        _ source: String, _ rules: SourceRules, _ set: String, _ terminal: Terminal
    ) throws -> SourceManifest {
        var view = ProgressView(terminal: terminal)
        let clock = ContinuousClock()
        let began = clock.now
        defer { view.clear() }
        return try SourceManifest(reading: source, rules) { progress in
            view.show(
                [.ingest("read \(set) here", progress.phase, files: progress.files, bytes: progress.bytes)],
                now: (clock.now - began).inSeconds)
        }
    }

    /// Throws a `FleetctlError` with exit code 4 unless the draft is of this tree.
    func expect(_ draft: ReleaseDraft, on line: AgentLine, set: String) async throws {
        guard draft.root != manifest.root.digest.description else { return }
        let place = await firstDifference(from: draft.root, on: line, set: set)
        throw refusal(
            of: line.mirror.name,
            place.map { "the first difference is at \($0)" } ?? "where they differ first is not known")
    }

    /// Throws a `FleetctlError` with exit code 4 unless the document says of this tree what is so. What is in it beside
    /// that, the history and the figures of the transfer, cannot be read from a tree: hosts check it.
    func expect(_ document: ReleaseDocument) throws {
        let isSo =
            document.manifest == manifest.root && document.topModified == manifest.topModified
            && document.chunkProfile == rules.profile.identifier
            && document.allowsEscapingLinks == rules.allowsEscapingLinks
        guard isSo else {
            throw refusal(of: "the origin", "the root is the same, and what the document says beside it is not")
        }
    }

    private func refusal(of host: String, _ detail: String) -> FleetctlError {
        FleetctlError(
            .refused,
            "\(host) drafted a release of another tree than \(source) is on this machine: \(detail); nothing was signed",
            hint: "if nothing writes to it, and both machines have the same tree there, look into that host")
    }

    /// The first path at which the tree of the origin is another one; nil if that cannot be known: the origin does not
    /// give its nodes, or this tree is too large to keep its own.
    private func firstDifference(from root: String, on line: AgentLine, set: String) async -> RelativePath? {
        guard manifest.hasNodes, let other = NodeDigest(hex: root) else { return nil }
        var theirs: [NodeDigest: [UInt8]] = [:]
        while true {
            do {
                return try ManifestTree.firstDifference(manifest.root.digest, other) { digest in
                    guard let bytes = manifest.node(digest) ?? theirs[digest] else { throw MissingNode(digest: digest) }
                    return bytes
                }
            } catch let missing as MissingNode {
                guard theirs.count < Self.askedNodes, let bytes = try? await line.node(missing.digest, of: set)
                else { return nil }
                theirs[missing.digest] = bytes
            } catch {
                return nil
            }
        }
    }

    private struct MissingNode: Error {
        let digest: NodeDigest
    }
}
