import ArgumentParser
import FleetModel
import UpdateFramework

/// The options that say where the trust folder is, and whose it is.
struct TrustPlace: ParsableArguments {
    @Option(name: .customLong("dir"), help: "The trust folder. (default: `trust.folder` of the fleet's file)")
    var folder: String?

    @OptionGroup var fleet: FleetOption

    /// The folder. Throws a `FleetctlError` if nothing says where it is.
    func open() throws -> TrustFolder {
        if let folder { return TrustFolder(path: try WorkingFolder.absolute(folder)) }
        return TrustFolder(path: try FleetSession(fleet).fleet.trust.folder)
    }

    /// The fleet; nil if --dir alone was given, as on a machine without fleet.yaml. Throws as `FleetSession`.
    func session() throws -> FleetSession? {
        let isNamed = fleet.file != nil || Terminal.environment("FLEET_FILE") != nil
        return folder == nil || isNamed ? try FleetSession(fleet) : nil
    }

    /// How a `trust` command on the same folder begins, for hints.
    func command(_ verb: String) -> String {
        let file = fleet.file.map { " -f \(ShellWord.quoted($0))" } ?? ""
        return "fleetctl\(file) trust \(verb)" + (folder.map { " --dir \(ShellWord.quoted($0))" } ?? "")
    }
}

/// What operators call a role.
struct RoleArgument {
    /// One role, or both that the online key signs for.
    let roles: [RoleName]

    /// The roles that `text` names: a top-level one, `online`, or that of a set by the set's name. Throws a
    /// `FleetctlError`.
    init(_ text: String, in plan: TrustPlan) throws {
        if text == "online" {
            roles = [.snapshot, .timestamp]
        } else if let role = RoleName.topLevel.first(where: { $0.description == text }) {
            roles = [role]
        } else if let role = [RoleName.ofSet(text), RoleName(Array(text.utf8))].compactMap({ $0 }).first(where: {
            plan.grant(of: $0) != nil
        }) {
            roles = [role]
        } else {
            let sets = plan.sets.compactMap(\.role.setName).map { String(decoding: $0, as: UTF8.self) }
            throw FleetctlError(
                .usage, "there is no role \"\(text)\"",
                hint: "the roles are: root, targets, online (snapshot and timestamp)"
                    + (sets.isEmpty ? "" : ", and the sets \(sets.joined(separator: ", "))"))
        }
    }
}

extension TrustPlan {
    /// The key whose id begins with `text`. Throws a `FleetctlError` if there is none, or more than one.
    func key(_ text: String) throws -> OwnedKey {
        let shortest = 8
        let all = (Array(roles.values) + sets.map(\.grant)).flatMap(\.keys)
        let found = all.filter { $0.key.id.bytes.starts(with: text.utf8) }
        guard text.utf8.count >= shortest, let first = found.first,
            found.allSatisfy({ $0.key.id == first.key.id })
        else {
            throw FleetctlError(
                .usage, found.isEmpty ? "no role has a key \(text)" : "\(text) is not enough of a key id",
                hint: "`fleetctl trust show` lists them; \(shortest) digits or more name one")
        }
        return first
    }
}
