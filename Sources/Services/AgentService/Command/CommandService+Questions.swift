import Content
import FleetAPI
import FleetModel
import Store
import Trust

/// Questions about releases: they change nothing.
extension CommandService {
    /// Entries of one answer message; a line is at most some 10 kB of JSON, mostly far less.
    private static let linesPerMessage = 64

    func proof(_ command: AgentCommand, _ line: EventLine) async throws {
        let set = try required(command.set, "set")
        let bytes = try required(command.path, "path").bytes
        let path: RelativePath
        do {
            path = try RelativePath(bytes)
        } catch {
            throw CommandFailure(.refused, "not a path: \(error)")
        }
        let encoded = try await pool.run { [store, settings, trust] in
            guard let sequence = try command.sequence ?? store.served(set: set)?.sequence,
                let document = try store.releaseDocument(set: set, sequence: sequence)
            else { throw CommandFailure(.notFound, "\(settings.name) serves no such release of \(set)") }
            guard let pin = try store.pin(set: set, sequence: sequence) else {
                throw CommandFailure(.notFound, "\(settings.name) does not hold release \(sequence) of \(set)")
            }
            let proof = try withExtendedLifetime(pin) {
                try store.proof(set: set, sequence: sequence, path: path)
            }
            do {
                _ = try trust.verify(document, sequence: sequence, ofSet: set, above: nil, isHeld: true)
            } catch {
                throw CommandFailure(.failed, "no proof can be made of release \(sequence) of \(set): \(error)")
            }
            let metadata = trust.documents(leadingTo: set)
            return Array(PortableProof(document: document, metadata: metadata, manifestProof: proof).encode().utf8)
        }
        var event = AgentEvent(.item)
        event.item = CommandItem()
        event.item?.bytes = Base64Bytes(encoded)
        try await line.send(event)
        try await line.send(AgentEvent(.done))
    }

    func releases(_ command: AgentCommand, _ line: EventLine) async throws {
        let items = try await pool.run { [store] in
            var items: [CommandItem] = []
            for set in try store.sets() where command.set == nil || command.set == set {
                let served = try store.served(set: set)?.sequence
                for sequence in try store.sequences(set: set) {
                    guard let document = try store.releaseDocument(set: set, sequence: sequence) else { continue }
                    var item = CommandItem()
                    item.set = set
                    item.sequence = sequence
                    item.isServed = sequence == served
                    item.bytes = Base64Bytes(document)
                    items.append(item)
                }
            }
            return items
        }
        for item in items {
            var event = AgentEvent(.item)
            event.item = item
            try await line.send(event)
        }
        try await line.send(AgentEvent(.done))
    }

    func entries(_ command: AgentCommand, _ line: EventLine) async throws {
        let set = try required(command.set, "set")
        try await sendLines(line) { [self] add in
            let pin = try pin(set, sequence: command.sequence)
            try withExtendedLifetime(pin) {
                try ManifestTree.forEachEntry(root: pin.root, source: store.node) { entry in
                    add(EntryLine(entry))
                    return true
                }
            }
        }
    }

    func diff(_ command: AgentCommand, _ line: EventLine) async throws {
        let set = try required(command.set, "set")
        try await sendLines(line) { [self] add in
            let from = try pin(set, sequence: try required(command.sequence, "release"))
            let to = try pin(set, sequence: try required(command.other, "second release"))
            try withExtendedLifetime((from, to)) {
                try ManifestTree.diff(from.root, to.root, source: store.node) { edit in
                    switch edit {
                    case .remove(let path):
                        var line = EntryLine(path: path.description)
                        line.change = "-"
                        add(line)
                    case .put(let entry):
                        let isOld = try ManifestTree.entry(at: entry.path, root: from.root, source: store.node) != nil
                        var line = EntryLine(entry)
                        line.change = isOld ? "*" : "+"
                        add(line)
                    }
                }
            }
        }
    }

    /// Sends the lines that `work` adds, then that all is done.
    private func sendLines(
        _ line: EventLine, _ work: @escaping @Sendable (_ add: (EntryLine) -> Void) throws -> Void
    ) async throws {
        let lines = try await pool.run {
            var lines: [EntryLine] = []
            try work { lines.append($0) }
            return lines
        }
        var rest = lines[...]
        while !rest.isEmpty {
            var event = AgentEvent(.item)
            event.item = CommandItem()
            event.item?.lines = Array(rest.prefix(Self.linesPerMessage))
            rest = rest.dropFirst(Self.linesPerMessage)
            try await line.send(event)
        }
        try await line.send(AgentEvent(.done))
    }
}

extension EntryLine {
    /// The line of `entry`, paths escaped for terminals.
    fileprivate init(_ entry: ManifestEntry) {
        self.init(path: entry.path.description)
        switch entry.type {
        case .file: type = "file"
        case .directory: type = "directory"
        case .symlink: type = "symlink"
        }
        modified = entry.modified
        if entry.type == .file {
            size = entry.size
            isExecutable = entry.isExecutable
            blob = entry.blob?.description
        }
        if entry.type == .symlink { linkTarget = TerminalText.escape(entry.linkTarget) }
    }
}
