/// A small model of machines and of what surrounds them, whose every interleaving is to be seen.
///
/// A state holds everything: the machines, what is under way between them, what a disk has kept. It must be small: a
/// few hundred thousand states are explored in seconds, and each further actor multiplies them.
package protocol ExploredModel {
    associatedtype State: Hashable
    associatedtype Step: CustomStringConvertible

    /// Where every run begins.
    var start: State { get }

    /// Everything that may happen next in `state`, faults included; in the same order each time. None: the run is over.
    func steps(in state: State) -> [Step]

    /// The state after `step`.
    func after(_ step: Step, in state: State) -> State

    /// The promise that `state` breaks, in words; nil if it keeps all.
    func brokenPromise(in state: State) -> String?

    /// Whether a run may end here. From every state one of these must be reachable, or something is stuck for ever.
    func isSettled(_ state: State) -> Bool
}
