import FoundationEssentials
import Testing

/// Every BLAKE3 context string of the sources is used in one place, and listed in docs/formats/digests.md.
@Suite struct ContextListTests {
    /// The folder of the package: this file is in Tests/Core/HashingTests.
    private static let root = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")

    @Test func `every context is unique and documented`() throws {
        let contexts = try Self.contextsOfSources()
        #expect(contexts.count >= 10, "the search for contexts finds nothing any more")
        #expect(Set(contexts).count == contexts.count, "used twice: \(contexts.sorted())")
        let page = try String(contentsOfFile: Self.root + "/docs/formats/digests.md", encoding: .utf8)
        for context in contexts {
            #expect(context.utf8.starts(with: "mirrorfleet v".utf8), "\(context) does not begin with our name")
            #expect(page.contains("| `\(context)` |"), "docs/formats/digests.md does not list `\(context)`")
        }
    }

    /// The literals in `BLAKE3Context("...")`.
    private static func contextsOfSources() throws -> [String] {
        let folder = root + "/Sources"
        var contexts: [String] = []
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder).sorted() {
            guard path.utf8.suffix(6).elementsEqual(".swift".utf8) else { continue }
            let text = try String(contentsOfFile: folder + "/" + path, encoding: .utf8)
            for part in text.split(separator: "BLAKE3Context(\"", omittingEmptySubsequences: false).dropFirst() {
                contexts.append(String(part.prefix { $0 != "\"" }))
            }
        }
        return contexts
    }
}
