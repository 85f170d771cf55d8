import Content
import LinuxIO
package import UpdateFramework

/// What the documents in a trust folder say.
package struct TrustState: Sendable {
    /// What is signed; nil while the first root waits for signatures.
    package let trust: FleetTrust?
    /// The change that waits for signatures.
    package let pending: TrustChange?

    /// The fleet.
    var fleet: [UInt8] { trust?.fleet ?? pending?.fleet ?? [] }
}

extension TrustFolder {
    /// Takes the folder for this process, as long as the result is held. Throws a `FleetctlError` with exit code 5 if
    /// another has it, and `FileError`.
    func lock() throws -> FileLock {
        guard let lock = try FileLock.acquire(in: open(path), "lock") else {
            throw FleetctlError(.tryAgain, "another command changes \(path)", hint: "wait until it is done")
        }
        return lock
    }

    /// The documents, verified from the first root on. Throws a `FleetctlError` if they are damaged or not there.
    package func state() throws -> TrustState {
        let roots = try roots()
        var pending = try documents(in: self.pending)
        guard let first = roots.first else {
            guard !pending.isEmpty else { throw missing() }
            return TrustState(trust: nil, pending: try change(from: nil, pending))
        }
        guard let fleet = FleetTrust.fleetName(in: first) else {
            throw damaged("1.root.json does not name its fleet")
        }
        let trust = try newest(fleet: fleet, roots: roots)
        // A crash may have left what was published since.
        pending.removeAll { $0.version <= ($0.role == .root ? trust.root.version : trust.targets.version) }
        return TrustState(trust: trust, pending: pending.isEmpty ? nil : try change(from: trust, pending))
    }

    /// All roots, the oldest first. Throws `FileError`, and a `FleetctlError` if one is missing.
    package func roots() throws -> [[UInt8]] {
        let roots = try documents(in: metadata).filter { $0.role == .root }.sorted { $0.version < $1.version }
        for (index, root) in roots.enumerated() where root.version != Int64(index) + 1 {
            throw damaged("\(index + 1).root.json is missing")
        }
        return try roots.map { try read(metadata, $0) }
    }

    /// The bytes of the newest document of `role`; nil if there is none.
    /// - Throws: what reading the folder throws.
    package func newestDocument(of role: RoleName) throws -> [UInt8]? {
        try documents(in: metadata).filter { $0.role == role }.max { $0.version < $1.version }
            .map { try read(metadata, $0) }
    }

    /// The timestamp; nil if there is none.
    func timestamp() throws -> [UInt8]? {
        try open(metadata).openFileIfPresent(RoleName.timestamp.fileName)?.readAll(
            limit: MetadataLimits.timestampByteCount)
    }

    /// Keeps a change that waits for signatures. Durable when it returns. Throws `CredentialError`.
    package func keep(_ change: TrustChange) throws {
        for document in change.documents {
            try TextFile.write(
                String(decoding: document.document.bytes, as: UTF8.self),
                to: "\(pending)/\(document.version).\(document.role.fileName)")
        }
    }

    /// Makes a complete change count, and forgets that it waited. Targets come first, so that the newest root always has
    /// targets that it accepts. Durable when it returns. Throws `CredentialError`
    /// and `FileError`.
    package func publish(_ change: TrustChange) throws {
        precondition(change.isComplete, "a change that lacks signatures")
        for document in change.documents.reversed() {
            try TextFile.write(
                String(decoding: document.document.bytes, as: UTF8.self),
                to: self.document(document.role, version: document.version))
        }
        try discardPending()
    }

    /// Forgets the change that waits.
    func discardPending() throws {
        let folder = try Folder.open(pending)
        for file in try documents(in: pending) { try folder.unlinkIfPresent(file.name) }
        try folder.sync()
    }

    // MARK: - Files

    private struct DocumentFile {
        let name: [UInt8]
        let role: RoleName
        let version: Int64
    }

    /// Files `VERSION.root.json` and `VERSION.targets.json`, and those of sets, of a folder.
    private func documents(in path: String) throws -> [DocumentFile] {
        try open(path).list().compactMap { entry in
            let parts = entry.name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].elementsEqual("json".utf8), let role = RoleName(Array(parts[1])),
                let version = Int64(String(decoding: parts[0], as: UTF8.self)), version > 0,
                Array("\(version).\(role.fileName)".utf8) == entry.name
            else { return nil }
            return DocumentFile(name: entry.name, role: role, version: version)
        }
    }

    private func open(_ path: String) throws -> Folder {
        do {
            return try Folder.open(path)
        } catch {
            guard error.isNotFound else { throw error }
            throw missing()
        }
    }

    private func read(_ folder: String, _ file: DocumentFile) throws -> [UInt8] {
        try Folder.open(folder).openFile(file.name).readAll(limit: MetadataLimits.targetsByteCount)
    }

    /// With the newest targets that the newest root accepts: a crash may have left newer ones before their root.
    private func newest(fleet: [UInt8], roots: [[UInt8]]) throws -> FleetTrust {
        let targets = try documents(in: metadata).filter { $0.role == .targets }.sorted { $0.version > $1.version }
        var reason = "no targets document is there"
        for file in targets.prefix(2) {
            do throws(UpdateError) {
                return try FleetTrust(fleet: fleet, roots: roots, targets: try bytes(file))
            } catch {
                reason = "\(error)"
            }
        }
        throw damaged(reason)

        func bytes(_ file: DocumentFile) throws(UpdateError) -> [UInt8] {
            guard let bytes = try? read(metadata, file) else { throw .missing(file.role, version: file.version) }
            return bytes
        }
    }

    private func change(from trust: FleetTrust?, _ files: [DocumentFile]) throws -> TrustChange {
        let texts = try files.map { ($0.role, try read(pending, $0)) }
        guard let fleet = trust?.fleet ?? texts.lazy.compactMap({ FleetTrust.fleetName(in: $0.1) }).first else {
            throw damaged("what is pending does not name its fleet")
        }
        do throws(UpdateError) {
            return try TrustChange(fleet: fleet, base: trust, documents: texts)
        } catch {
            throw FleetctlError(
                .failed, "the change in \(pending) does not follow from \(metadata): \(error)",
                hint: "fleetctl trust discard --dir \(ShellWord.quoted(path)), and make the change again")
        }
    }

    private func damaged(_ reason: String) -> FleetctlError {
        FleetctlError(
            .failed, "\(metadata) is damaged: \(reason)", hint: "bring the folder back from a copy; the keeper has one")
    }

    private func missing() -> FleetctlError {
        FleetctlError(
            .failed, "there is no trust folder in \(path)",
            hint: "make one: fleetctl trust init --dir \(ShellWord.quoted(path)) --fleet NAME")
    }
}
