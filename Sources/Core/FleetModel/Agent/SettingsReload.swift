/// What a running agent makes of an agent.yaml that it reads again.
package struct SettingsReload: Sendable, Hashable {
    /// What holds from now on: the old settings with what can change in a running agent.
    package var settings: AgentSettings
    /// The keys that changed, and hold from now on.
    package var taken: [String] = []
    /// The keys that changed, and hold after a restart only.
    package var needRestart: [String] = []

    /// Compares what holds with what the file says now.
    package init(_ current: AgentSettings, _ read: AgentSettings) {
        settings = current
        take("log_level", read, \.logLevel)
        take("publish_from", read, \.publishFrom)
        take("disk", read, \.disk)
        take("trust.max_delete", read, \.trust.maxDelete)
        take("trust.max_shrink", read, \.trust.maxShrink)
        take("trust.flip_quorum", read, \.trust.flipQuorum)
        take("trust.floor", read, \.trust.floorPeers)
        take("trust.fetch", read, \.trust.fetch)
        needsRestart("fleet", read, \.fleet)
        needsRestart("name", read, \.name)
        needsRestart("role", read, \.role)
        needsRestart("data", read, \.dataPath)
        needsRestart("state", read, \.statePath)
        needsRestart("listen", read, \.listen)
        needsRestart("coordinator", read, \.coordinators)
        needsRestart("tls.certificate", read, \.certificatePath)
        needsRestart("tls.key", read, \.keyPath)
        needsRestart("tls.authority", read, \.authorityPath)
        needsRestart("tls.kyber1024", read, \.requiresMLKEM1024)
        needsRestart("trust.root", read, \.trust.rootPath)
        needsRestart("trust.online_key", read, \.trust.onlineKeyPath)
        needsRestart("bandwidth", read, \.bandwidth)
        needsRestart("sharing", read, \.sharing)
        // A key that this list forgets is at least not lost in silence.
        if taken.isEmpty, needRestart.isEmpty, current != read { needRestart = ["a key"] }
    }

    private mutating func take<Value: Equatable>(
        _ key: String, _ read: AgentSettings, _ path: WritableKeyPath<AgentSettings, Value>
    ) {
        guard settings[keyPath: path] != read[keyPath: path] else { return }
        settings[keyPath: path] = read[keyPath: path]
        taken.append(key)
    }

    private mutating func needsRestart<Value: Equatable>(
        _ key: String, _ read: AgentSettings, _ path: KeyPath<AgentSettings, Value>
    ) {
        if settings[keyPath: path] != read[keyPath: path] { needRestart.append(key) }
    }
}
