import Testing

/// The rules of docs/architecture.md on the sources as they are. That each rule can fail is shown in RulesTests.
@Suite struct ArchitectureTests {
    private let tree: SourceTree

    init() throws {
        tree = try SourceTree.load()
        // If nothing is read, nothing can fail.
        try #require(tree.files.count { $0.layer == .core } > 20)
        try #require(tree.files.contains { $0.layer == .commands })
        try #require(tree.files.reduce(0) { $0 + $1.text.imports.count } > 50)
    }

    @Test func `each target of Core imports only what its row of the table names`() {
        #expect(Rules.coreImportsOnlyItsTable(tree) == [])
    }

    @Test func `Core has no clock, randomness, task, file or output of its own`() {
        #expect(Rules.coreIsPure(tree) == [])
    }

    @Test func `arrows between targets point downward`() {
        #expect(Rules.arrowsPointDown(tree) == [])
    }

    @Test func `the coordinator never reaches the store or the protocol, nor the agent the planner`() {
        #expect(Rules.forbiddenIsNeverReached(tree) == [])
    }

    @Test func `nothing is public`() {
        #expect(Rules.nothingIsPublic(tree) == [])
    }

    @Test func `nothing imports full Foundation`() {
        #expect(Rules.nothingImportsFullFoundation(tree) == [])
    }

    @Test func `every target of Core has its row in the table`() {
        let targets = Set(tree.layers.filter { $0.value == .core }.keys)
        #expect(targets == Set(Rules.coreImports.keys))
    }
}
