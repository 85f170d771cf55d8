import Content
import SigningKeys
import Testing
import Trust
import UpdateFramework

private let yanked = FleetRoles.yanked(ofSet: "debian")

private func list(_ paths: [String], set: String = "debian", fleet: String = "example") throws -> [UInt8] {
    var list = YankList(fleet: fleet, set: set)
    for path in paths { _ = list.add(YankList.Entry(path: try RelativePath(path), reason: "bad \(path)", yankedAt: 5)) }
    return list.encode()
}

/// The change of the role whose list is `before` (nil: none) to one whose list is `next`.
private func change(
    from before: [UInt8]? = nil, to next: [UInt8], showing replaced: [UInt8]?
) throws -> RoleChange {
    let held = try before.map { list in try RequestFleet.role(signers: [4, 5]) { $0.set(yanked: list) } }
    return try RoleChange(
        of: RequestFleet.debian, base: RequestFleet.trust(), before: held,
        to: RequestFleet.role(after: held.map(RequestFleet.contents)) { $0.set(yanked: next) },
        target: RoleChange.Target(path: yanked, bytes: next), replacing: replaced)
}

private func request(from before: [UInt8]? = nil, to next: [UInt8]) throws -> YankRequest {
    try YankRequest(change(from: before, to: next, showing: before))
}

private func read(_ file: [UInt8]) throws -> YankRequest { try YankRequest(RoleChange(file: file)) }

@Suite struct YankRequestTests {
    @Test func `Two of three people on two machines yank a path, and the file says so to each`() throws {
        let before = try list(["a", "pool/x"])
        let asked = try request(from: before, to: list(["a", "pool/x", "pool/y"]))
        #expect(asked.kind == .yank && asked.added.map(\.path.description) == ["pool/y"] && asked.removed.isEmpty)
        var (one, other) = (try read(asked.file), try read(asked.file))
        #expect(try one.sign(with: RequestFleet.key(4)) == [RequestFleet.debian] && !one.isComplete)
        #expect(try other.sign(with: RequestFleet.key(6)) == [RequestFleet.debian])
        #expect(try one.merge(read(other.file).documents) == 1 && one.isComplete)
        let again = try read(one.file)
        #expect(again.file == one.file && again.list == asked.list && again.change.replaced == before)
        for line in [
            "yank of debian, fleet example", "  is served no more: pool/y", "    reason   bad pool/y",
            "    yanked   1970-01-01T00:00:05Z", "  yanked then: 3 paths in all",
            "set-debian 2, as root 1 and targets 1 want it", "  2 of 3 keys:",
            "    signed \(try RequestFleet.key(6).key.id) (person 6)",
            "    -      \(try RequestFleet.key(5).key.id) (person 5)",
        ] {
            #expect(again.words.contains(line), "\(line) in \(again.words)")
        }
    }

    @Test func `A path that is served again is shown with why it was yanked`() throws {
        let asked = try request(from: list(["a", "b"]), to: list(["b"]))
        #expect(asked.kind == .unyank && asked.removed.map(\.path.description) == ["a"] && asked.added.isEmpty)
        #expect(asked.words.starts(with: ["unyank of debian, fleet example", "  is served again: a"]))
        #expect(asked.words.contains("    reason   bad a"))
        #expect(try request(to: list(["a"])).kind == .yank, "the first list of a set")
    }

    @Test func `A list that yanks and serves again, or changes nothing, is refused`() throws {
        #expect(throws: YankRequestError.notOneThing(yanked: 1, unyanked: 1)) {
            try request(from: list(["a"]), to: list(["b"]))
        }
        #expect(throws: YankRequestError.notOneThing(yanked: 0, unyanked: 0)) {
            try request(from: list(["a"]), to: list(["a"]))
        }
        #expect(throws: YankRequestError.notOneThing(yanked: 0, unyanked: 0)) { try request(to: list([])) }
    }

    @Test func `The list that goes has to be shown, and be the one that the role names`() throws {
        let (before, next) = (try list(["a"]), try list(["b"]))
        // Shown without the old list, a yank of b would hide that a is served again.
        for shown in [nil, try list([]), try list(["b"])] {
            #expect(throws: TrustFileError.otherReplaced(yanked, role: RequestFleet.debian)) {
                try change(from: before, to: next, showing: shown)
            }
        }
        #expect(throws: TrustFileError.otherReplaced(yanked, role: RequestFleet.debian)) {
            try change(to: next, showing: before)
        }
        #expect(throws: TrustFileError.tooLong(yanked, byteCount: RoleChange.targetByteCount + 1)) {
            try change(to: [UInt8](repeating: 0, count: RoleChange.targetByteCount + 1), showing: nil)
        }
    }

    @Test func `A list of another set, fleet or path, and what is no list, are refused`() throws {
        for other in [try list(["a"], set: "iso"), try list(["a"], fleet: "other")] {
            #expect(throws: YankRequestError.self) { try request(to: other) }
        }
        guard case .badList = #expect(throws: YankRequestError.self, performing: { try request(to: [1, 2, 3]) }) else {
            Issue.record("three bytes are no list")
            return
        }
        // A list under the name of a release.
        let (bytes, path) = (try list(["a"]), FleetRoles.release(1, ofSet: "debian"))
        let change = try RoleChange(
            of: RequestFleet.debian, base: RequestFleet.trust(), before: nil,
            to: RequestFleet.role { $0.add(release: 1, document: bytes) },
            target: RoleChange.Target(path: path, bytes: bytes))
        #expect(!YankRequest.isMeant(by: change))
        #expect(throws: YankRequestError.notOfItsPath(path, set: "debian")) { try YankRequest(change) }
    }

    @Test func `A yank that forgets a release is refused`() throws {
        let document = try sampleDocument(sequence: 1).encode()
        let before = try RequestFleet.role(signers: [4, 5]) { $0.add(release: 1, document: document) }
        let next = try list(["a"])
        func request(naming targets: [TargetPath: TargetDescription]) throws -> YankRequest {
            try YankRequest(
                RoleChange(
                    of: RequestFleet.debian, base: RequestFleet.trust(), before: before,
                    to: RequestFleet.role(2, naming: targets), target: RoleChange.Target(path: yanked, bytes: next)))
        }
        var targets = try RequestFleet.contents(before).targets
        targets[yanked] = TargetDescription(of: next)
        #expect(try request(naming: targets).kind == .yank)
        let release = FleetRoles.release(1, ofSet: "debian")
        targets[release] = nil
        #expect(throws: YankRequestError.drops(release)) { try request(naming: targets) }
    }
}
