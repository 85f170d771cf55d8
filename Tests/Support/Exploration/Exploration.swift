/// What came of running a model through every interleaving.
package struct Exploration<Model: ExploredModel> {
    /// Different states that were reached, the start included.
    package private(set) var stateCount = 0
    /// Steps from state to state that were taken.
    package private(set) var stepCount = 0
    /// States in which nothing more can happen.
    package private(set) var endCount = 0
    /// The first promise found broken, with the shortest way there; nil if all were kept in every state.
    package private(set) var failure: Failure?

    /// A broken promise and how to get there.
    package struct Failure: CustomStringConvertible {
        package let promise: String
        /// The steps from the start on; none shorter leads to it.
        package let steps: [Model.Step]

        package var description: String {
            "\(promise)\nafter \(steps.count) steps:\n"
                + steps.enumerated().map { "  \($0.offset + 1). \($0.element)" }.joined(separator: "\n")
        }
    }

    /// Goes breadth first through all states that `model` can reach.
    ///
    /// Memory: every state is kept. Stops with a failure at the first broken promise, at a state that is over and not
    /// settled, at one from which no settled state can be reached, and at more than `stateLimit` states: a model that
    /// is too large must not look like one that passed.
    package init(_ model: Model, stateLimit: Int = 5_000_000) {
        var numbers: [Model.State: Int] = [model.start: 0]
        var states = [model.start]
        var origins: [(from: Int, step: Model.Step)?] = [nil]
        var predecessors: [[Int]] = [[]]
        var settled: [Int] = []

        func failure(_ promise: String, at state: Int) -> Failure {
            var steps: [Model.Step] = []
            var at = state
            while let origin = origins[at] {
                steps.append(origin.step)
                at = origin.from
            }
            return Failure(promise: promise, steps: steps.reversed())
        }

        var next = 0
        while next < states.count {
            let state = states[next]
            stateCount += 1
            if let promise = model.brokenPromise(in: state) {
                self.failure = failure(promise, at: next)
                return
            }
            if model.isSettled(state) { settled.append(next) }
            let steps = model.steps(in: state)
            if steps.isEmpty {
                endCount += 1
                if !model.isSettled(state) {
                    self.failure = failure("nothing can happen any more, and it is not settled", at: next)
                    return
                }
            }
            for step in steps {
                stepCount += 1
                let following = model.after(step, in: state)
                if let known = numbers[following] {
                    predecessors[known].append(next)
                    continue
                }
                guard states.count < stateLimit else {
                    self.failure = failure("more than \(stateLimit) states: the model is too large", at: next)
                    return
                }
                numbers[following] = states.count
                states.append(following)
                origins.append((next, step))
                predecessors.append([next])
            }
            next += 1
        }
        if let stuck = Self.firstUnreachable(from: settled, predecessors) {
            self.failure = failure("no settled state can be reached any more", at: stuck)
        }
    }

    /// The first state from which none of `settled` can be reached.
    private static func firstUnreachable(from settled: [Int], _ predecessors: [[Int]]) -> Int? {
        var reaches = [Bool](repeating: false, count: predecessors.count)
        var waiting = settled
        for state in settled { reaches[state] = true }
        while let state = waiting.popLast() {
            for before in predecessors[state] where !reaches[before] {
                reaches[before] = true
                waiting.append(before)
            }
        }
        return reaches.firstIndex(of: false)
    }
}
