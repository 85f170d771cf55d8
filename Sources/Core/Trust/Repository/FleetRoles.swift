package import UpdateFramework

/// What the roles and targets of a fleet's TUF repository are called.
package enum FleetRoles {
    /// The last component of the target that lists the yanked paths of a set.
    private static let yankedName = "yanked"

    /// The role whose keys sign the releases of `set`.
    package static func role(ofSet set: String) -> RoleName {
        guard let role = RoleName.ofSet(set) else { preconditionFailure("a set without a plain name") }
        return role
    }

    /// The set whose releases `role` signs; nil if it is another kind of role.
    package static func set(of role: RoleName) -> String? {
        role.setName.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The targets that the role of `set` is trusted with, `SET/*`.
    package static func pattern(ofSet set: String) -> PathPattern {
        guard let pattern = PathPattern(Array("\(set)/*".utf8)) else {
            preconditionFailure("a set without a plain name")
        }
        return pattern
    }

    /// The target that is the document of a release, `SET/SEQUENCE`.
    package static func release(_ sequence: UInt64, ofSet set: String) -> TargetPath {
        target("\(sequence)", ofSet: set)
    }

    /// The target that lists the yanked paths of `set`, `SET/yanked`.
    package static func yanked(ofSet set: String) -> TargetPath {
        target(yankedName, ofSet: set)
    }

    /// The sequence of the release that `target` of `set` is; nil if it is none.
    package static func sequence(of target: TargetPath, ofSet set: String) -> UInt64? {
        let prefix = Array("\(set)/".utf8)
        guard target.bytes.starts(with: prefix) else { return nil }
        let digits = String(decoding: target.bytes.dropFirst(prefix.count), as: UTF8.self)
        guard let sequence = UInt64(digits), "\(sequence)" == digits else { return nil }
        return sequence
    }

    private static func target(_ name: String, ofSet set: String) -> TargetPath {
        guard let path = TargetPath(Array("\(set)/\(name)".utf8)) else {
            preconditionFailure("a set without a plain name")
        }
        return path
    }
}
