import Exploration
import Store
import Testing

@Suite struct CommitOrderTests {
    @Test(
        "Whatever kills and power cuts come between any two steps, nothing torn is served and nothing acknowledged lost"
    )
    func everyInterleaving() {
        let exploration = Exploration(CommitModel())
        print("commit: \(exploration.stateCount) states, \(exploration.stepCount) steps, \(exploration.endCount) ends")
        #expect(exploration.failure == nil, "\(exploration.failure.map { "\($0)" } ?? "")")
        #expect(exploration.stateCount > 1_000)
    }

    @Test(
        "Each write and each sync is needed: without it a promise is broken",
        arguments: [
            CommitStep.moveBlobs, .syncBlobs, .recordBlobs, .tellIndex, .keepRelease, .holdRelease, .linkTree,
            .syncTree,
            .nameTree, .syncTreeName, .syncRepairs, .noteTimes, .changeTimes, .syncTimes, .renameLink, .syncLink,
            .recordHead,
        ])
    func omitted(step: CommitStep) {
        #expect(Exploration(CommitModel(omitted: step)).failure != nil)
    }

    @Test(
        "The order is needed: with two steps changed a promise is broken",
        arguments: [
            (CommitStep.syncBlobs, CommitStep.recordBlobs), (.keepRelease, .holdRelease), (.syncTree, .nameTree),
            (.nameTree, .renameLink), (.syncTreeName, .renameLink), (.syncLink, .recordHead), (.syncLink, .removeTrees),
            (.noteTimes, .changeTimes), (.syncTimes, .renameLink), (.changeTimes, .syncTree),
        ])
    func swapped(first: CommitStep, second: CommitStep) {
        #expect(Exploration(CommitModel(swapped: (first, second))).failure != nil)
    }
}
