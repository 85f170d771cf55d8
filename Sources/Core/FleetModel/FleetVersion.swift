/// The version of the programs, one for all three.
package enum FleetVersion {
    /// As `--version` prints it, and as the packages are named.
    package static let current = "0.1.0"
}
