import Testing

/// Shows each rule a text that breaks it, and one beside it that does not.
@Suite struct RulesTests {
    private static let layers: [String: Layer] = [
        "CZstd": .c, "Hashing": .core, "Content": .core, "Trust": .core, "FleetModel": .core, "Planning": .core,
        "STOQ": .core, "LinuxIO": .system, "Database": .system, "Store": .system, "STOQTransport": .system,
        "FleetAPI": .services, "AgentService": .services, "CoordinatorService": .services, "fleet_agent": .commands,
        "fleet_coordinator": .commands,
    ]

    private func tree(_ files: (target: String, source: String)...) throws -> SourceTree {
        SourceTree(
            files: try files.map { target, source in
                let layer = try #require(Self.layers[target])
                return try #require(
                    SourceFile(path: "Sources/\(layer.rawValue)/\(target)/Sample.swift", source: source))
            }, layers: Self.layers)
    }

    @Test(arguments: [
        "import Foundation", "import FoundationEssentials", "package import NIOCore", "import Dispatch", "import Glibc",
        "import Logging", "@preconcurrency import Logging", "import struct Foundation.Date", "import Trust",
        "import Hashing; import Glibc", "  import   Synchronization", "#if os(Linux)\nimport Glibc\n#endif",
    ])
    func `an import that is not in the table of Core is found`(source: String) throws {
        #expect(Rules.coreImportsOnlyItsTable(try tree(("Content", source))).count == 1)
    }

    @Test(arguments: [
        "import Hashing", "package import Hashing", "// import Foundation", "/* a /* b */ import Glibc */",
        "let a = \"import Glibc\"", "let a = \"\"\"\nimport Glibc\n\"\"\"", "let a = #\"\"import Glibc\"\"#",
        "let `import` = Glibc", "let a = \"\\(b)\" // import Glibc",
    ])
    func `an allowed import, and the word in comments and strings, are not`(source: String) throws {
        #expect(Rules.coreImportsOnlyItsTable(try tree(("Content", source))) == [])
    }

    @Test func `a target of Core without a row in the table is found`() throws {
        var sample = try tree(("Content", "import Hashing"))
        sample.files[0].target = "Surprise"
        #expect(Rules.coreImportsOnlyItsTable(sample).count == 1)
    }

    @Test(arguments: [
        "Task { }", "let now = Date()", "let a = Int.random(in: 0..<3)", "let now = ContinuousClock.now",
        "let now: ContinuousClock.Instant", "list.shuffled()", "list.randomElement()", "print(1)", "Task.detached { }",
        "let text = \"at \\(Date())\"", "func f(_ l: Logger) {}", "var g = SystemRandomNumberGenerator()",
        "let a = \"\"\"\n\\(UUID())\n\"\"\"", "let a = #\"\\#(Date())\"#",
    ])
    func `impurity in Core is found`(source: String) throws {
        #expect(Rules.coreIsPure(try tree(("Trust", source))).count == 1)
    }

    @Test(arguments: [
        "let task = 1", "struct TaskList {}", "// Date()", "let a = \"Date()\"", "case random", "func f(print: Int)",
        "let a = \"\\\"Date()\"", "let a = #\"\\(Date())\"#", "let a = \"\\((1 + 2) * 3) Date()\"",
    ])
    func `pure text in Core is not`(source: String) throws {
        #expect(Rules.coreIsPure(try tree(("Trust", source))) == [])
    }

    @Test func `outside of Core, time and tasks are allowed`() throws {
        #expect(Rules.coreIsPure(try tree(("Store", "Task { Date() }"))) == [])
    }

    @Test(arguments: [
        ("Hashing", "Content"), ("Content", "Trust"), ("Trust", "Store"), ("LinuxIO", "Store"),
        ("Store", "AgentService"),
        ("Database", "LinuxIO"), ("FleetAPI", "AgentService"), ("AgentService", "CoordinatorService"),
        ("AgentService", "fleet_agent"), ("fleet_agent", "fleet_coordinator"),
    ])
    func `an arrow that points up or sideways is found`(from: String, to: String) throws {
        #expect(Rules.arrowsPointDown(try tree((from, "import \(to)"))).count == 1)
    }

    @Test(arguments: [
        ("Content", "Hashing"), ("STOQ", "CZstd"), ("Store", "Content"), ("Store", "LinuxIO"),
        ("AgentService", "Store"),
        ("AgentService", "FleetAPI"), ("fleet_agent", "AgentService"), ("LinuxIO", "Glibc"),
    ])
    func `an arrow that points down is not`(from: String, to: String) throws {
        #expect(Rules.arrowsPointDown(try tree((from, "import \(to)"))) == [])
    }

    @Test func `a coordinator that reaches the store or the protocol is found, directly or through another target`()
        throws
    {
        for module in ["Store", "STOQ", "STOQTransport"] {
            #expect(!Rules.forbiddenIsNeverReached(try tree(("CoordinatorService", "import \(module)"))).isEmpty)
        }
        let detour = try tree(("CoordinatorService", "import FleetAPI"), ("FleetAPI", "import Store"))
        #expect(Rules.forbiddenIsNeverReached(detour).count == 1)
        let program = try tree(("fleet_coordinator", "import Store"))
        #expect(Rules.forbiddenIsNeverReached(program).count == 1)
    }

    @Test func `an agent that reaches the planner is found, and one that does not is not`() throws {
        #expect(Rules.forbiddenIsNeverReached(try tree(("AgentService", "import Planning"))).count == 1)
        let detour = try tree(("fleet_agent", "import AgentService"), ("AgentService", "import Planning"))
        #expect(Rules.forbiddenIsNeverReached(detour).count == 2)
        let good = try tree(("AgentService", "import Store"), ("CoordinatorService", "import Planning"))
        #expect(Rules.forbiddenIsNeverReached(good) == [])
    }

    @Test(arguments: [
        "public struct A {}", "public import Hashing", "    public func a() {}", "open class A {}", "open func a() {}",
        "public extension A {}", "public private(set) var a = 1",
    ])
    func `a public declaration is found in any layer`(source: String) throws {
        for target in ["Content", "Store", "AgentService", "fleet_agent"] {
            #expect(Rules.nothingIsPublic(try tree((target, source))).count == 1)
        }
    }

    @Test(arguments: [
        "package struct A {}", "// public", "let a = \"public\"", "let a = b.public", "let `public` = 1",
        "try open(path, flags)", "case open", "store.open(path)", "func open() {}", "f(public: 1)",
    ])
    func `what only looks public is not`(source: String) throws {
        #expect(Rules.nothingIsPublic(try tree(("Store", source))) == [])
    }

    @Test func `an import of full Foundation is found in any layer, one of its essentials is not`() throws {
        #expect(Rules.nothingImportsFullFoundation(try tree(("AgentService", "import Foundation"))).count == 1)
        #expect(Rules.nothingImportsFullFoundation(try tree(("AgentService", "import FoundationEssentials"))) == [])
    }

    @Test func `a program's folder has a hyphen and its module an underscore`() throws {
        let file = try #require(SourceFile(path: "Sources/Commands/fleet-agent/Main.swift", source: "import Planning"))
        let sample = SourceTree(files: [file], layers: Self.layers)
        #expect(Rules.forbiddenIsNeverReached(sample).count == 1)
    }

    @Test func `a violation names the file and the line`() throws {
        let found = Rules.nothingIsPublic(try tree(("Store", "\n/* a\n b */\npublic let a = 1")))
        #expect(found.map(\.description) == ["Sources/System/Store/Sample.swift:4: public"])
    }
}
