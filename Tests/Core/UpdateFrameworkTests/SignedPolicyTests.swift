import TestSupport
import Testing
import UpdateFramework

/// A targets document of a fleet whose member `policies` is this JSON.
private func read(_ policies: String) throws(MetadataError) -> [String: SignedPolicy] {
    let text = """
        {"_type":"targets","expires":"2030-01-31T23:59:59Z","mirrorfleet":{"fleet":"example","policies":\(policies),\
        "role":"targets"},"spec_version":"1.0.31","targets":{},"version":1}
        """
    guard
        case .object(let signed)? = try? JSONReader.read(
            Array(text.utf8), limits: JSONLimits(byteCount: 1 << 20, valueCount: 1_000))
    else {
        preconditionFailure("no JSON: \(text)")
    }
    return try TargetsMetadata(signed, profile: .fleet(Array("example".utf8)), schemes: .own).policies
}

@Suite struct SignedPolicyTests {
    @Test func `What is written is read again, and who may fetch is who is named`() throws {
        let policies = [
            "debian": SignedPolicy(
                flipQuorum: 2, maxDelete: 30, maxShrink: 0,
                fetch: FetchRule(mirrors: ["m2", "m1", "m1"], regions: ["eu": ["m4", "m3"], "us": []])),
            "iso": SignedPolicy(fetch: FetchRule(mirrors: [])),
        ]
        let targets = TargetsMetadata(
            version: 1, expires: TestRepository.later(1), policies: policies.merging(["x": SignedPolicy()]) { $1 })
        let signed = MetadataWriter(profile: .fleet(TestRepository.fleet)).signed(targets, role: .targets)
        let again = try TargetsMetadata(signed, profile: .fleet(TestRepository.fleet), schemes: .own)
        // What says nothing is not written at all.
        #expect(again.policies == policies)
        let debian = try #require(again.policies["debian"])
        #expect(["m1", "m2", "m3", "m4"].allSatisfy(debian.mayFetch) && !debian.mayFetch("m5"))
        #expect(debian.fetch?.names == ["m1", "m2", "m3", "m4"])
        #expect(again.policies["iso"]?.mayFetch("m1") == false)
        #expect(SignedPolicy().mayFetch("anybody"))
        // Clients of repositories of others do not look at it.
        #expect(try TargetsMetadata(signed, profile: .specification, schemes: .own).policies == [:])
    }

    @Test func `What nobody knows is let be, what is wrong is refused with its place`() throws {
        #expect(try read(#"{"debian":{"colour":"red","max_delete":5}}"#)["debian"] == SignedPolicy(maxDelete: 5))
        for (policies, part) in [
            (#"{"debian":{"max_delete":101}}"#, "policies.debian.max_delete: 101, allowed is 0 to 100"),
            (#"{"debian":{"max_shrink":-1}}"#, "max_shrink: -1"),
            (#"{"debian":{"flip_quorum":2000}}"#, "flip_quorum: 2000"),
            (#"{"debian":{"flip_quorum":"2"}}"#, "a string where a number"),
            (#"{"Debian":{}}"#, "Debian is not 1 to 63"),
            (#"{"debian":{"fetch":{"mirrors":["../m1"]}}}"#, "fetch.mirrors: ../m1 is not"),
            (#"{"debian":{"fetch":{"mirrors":"m1"}}}"#, "a string where a list"),
            (#"{"debian":{"fetch":{"regions":{"eu":[1]}}}}"#, "a number where a string"),
            (#"{"debian":[]}"#, "a list where an object"), ("[]", "a list where an object"),
        ] {
            let error = #expect(throws: MetadataError.self) { _ = try read(policies) }
            #expect("\(try #require(error))".contains(part), "\(policies): \(error.map { "\($0)" } ?? "")")
        }
    }
}
