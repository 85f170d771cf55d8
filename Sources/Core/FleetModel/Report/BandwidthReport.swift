/// What a mirror may send to and receive from other hosts, and how fast it did since its report before.
package struct BandwidthReport: Codable, Sendable, Hashable {
    /// What is in force: by fleet.yaml and the time of the week, by an operator's command, by its own agent.yaml.
    package var limits: TransferLimits
    /// Bytes a second that it sent.
    package var sending: UInt64
    /// Bytes a second that it received.
    package var receiving: UInt64

    /// Makes the value from its parts; nothing is checked.
    package init(limits: TransferLimits, sending: UInt64, receiving: UInt64) {
        self.limits = limits
        self.sending = sending
        self.receiving = receiving
    }
}
