import FleetModel
import Synchronization

/// The settings in force. Some can change while the agent runs: who reads one from here sees it change.
@dynamicMemberLookup
final class LiveSettings: Sendable {
    private let held: Mutex<AgentSettings>

    init(_ settings: AgentSettings) {
        held = Mutex(settings)
    }

    /// One setting as it is now.
    subscript<Value: Sendable>(dynamicMember path: KeyPath<AgentSettings, Value>) -> Value {
        held.withLock { $0 }[keyPath: path]
    }

    /// All of them as they are now.
    var current: AgentSettings { held.withLock { $0 } }

    /// Takes from `read` what can change in a running agent; what came of it.
    func take(_ read: AgentSettings) -> SettingsReload {
        held.withLock { settings in
            let reload = SettingsReload(settings, read)
            settings = reload.settings
            return reload
        }
    }
}
