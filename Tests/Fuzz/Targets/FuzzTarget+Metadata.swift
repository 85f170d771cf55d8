import UpdateFramework

/// What TUF's metadata is read from.
extension FuzzTarget {
    static func metadataJSON(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        let limits = JSONLimits(byteCount: 64 << 10, valueCount: 10_000)
        let value: JSONValue
        do {
            value = try JSONReader.read(bytes, limits: limits)
        } catch {
            return refused(error)
        }
        // Escapes may make it longer than it was.
        let roomy = JSONLimits(byteCount: 6 * limits.byteCount, valueCount: limits.valueCount)
        guard (try? JSONReader.read(JSONWriter.valid(value), limits: roomy)) == value else {
            throw FuzzFinding("a value is not read back as it was written")
        }
        return !JSONWriter.canonical(value).isEmpty
    }

    /// A document by itself, unsigned, and what is in it: as any repository may have it, and as a fleet has it.
    static func metadata<Contents: MetadataContents>(
        _ bytes: [UInt8], as type: Contents.Type
    ) throws(FuzzFinding) -> Bool {
        let document: SignedMetadata
        do {
            document = try SignedMetadata(bytes, byteCount: 64 << 10)
        } catch {
            return refused(error)
        }
        let isOfFleet = try contents(of: document, as: type, profile: .fleet(Array("example".utf8)))
        let isAny = try contents(of: document, as: type, profile: .specification)
        guard isAny || !isOfFleet else { throw FuzzFinding("the profile takes what the specification does not") }
        return isAny
    }

    private static func contents<Contents: MetadataContents>(
        of document: SignedMetadata, as type: Contents.Type, profile: MetadataProfile
    ) throws(FuzzFinding) -> Bool {
        let contents: Contents
        do {
            contents = try Contents(document.signed, profile: profile, schemes: .own)
        } catch {
            return refused(error)
        }
        // What our writer makes of it is of the same kind.
        var role = RoleName.targets
        for name in RoleName.topLevel where name.description == type.type { role = name }
        let written = MetadataWriter(profile: profile).signed(contents, role: role)
        // Hashes of unknown algorithms are not kept, and a list of none is no list.
        guard let again = try? Contents(written, profile: profile, schemes: .own) else { return true }
        guard again.version == contents.version, again.expires == contents.expires,
            again.ownMembers == contents.ownMembers
        else { throw FuzzFinding("metadata is not read back as it was written") }
        return true
    }
}
