// swift-tools-version: 6.2
import PackageDescription

/// One block of flags for every Swift target: language mode 6, the upcoming features we adopt, warnings as errors.
let flags: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

/// The product of an outside package, named `product` in the package `package`.
func outside(_ product: String, _ package: String) -> Target.Dependency {
    .product(name: product, package: package)
}

/// A Swift target of one layer; its folder is `Sources/<layer>/<name>`.
func target(_ layer: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(layer)/\(name)", swiftSettings: flags)
}

/// A program; its folder is `Sources/Commands/<name>`.
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Sources/Commands/\(name)", swiftSettings: flags)
}

/// The tests of one target; their folder is `Tests/<layer>/<name>Tests`.
/// Files that tests read by their path, not as resources, lie in `Fixtures` folders.
func tests(
    _ layer: String, _ name: String, _ dependencies: [Target.Dependency] = [], fixtures: [String] = []
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies,
        path: "Tests/\(layer)/\(name)Tests", exclude: fixtures, swiftSettings: flags)
}

/// A shim over C code of our own; its folder is `Sources/C/<name>`.
func c(_ name: String) -> Target {
    .target(name: name, path: "Sources/C/\(name)")
}

/// A library of the system, installed by scripts/setup.
func system(_ name: String, pkgConfig: String, debian: String) -> Target {
    .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])
}

let nioCore = outside("NIOCore", "swift-nio")
let nioPosix = outside("NIOPosix", "swift-nio")
let nioSSL = outside("NIOSSL", "swift-nio-ssl")
let crypto = outside("Crypto", "swift-crypto")
let cryptoExtras = outside("CryptoExtras", "swift-crypto")
let x509 = outside("X509", "swift-certificates")
let asn1 = outside("SwiftASN1", "swift-asn1")
let logging = outside("Logging", "swift-log")

let package = Package(
    name: "mirrorfleet",
    products: [
        .executable(name: "fleetctl", targets: ["fleetctl"]),
        .executable(name: "fleet-agent", targets: ["fleet-agent"]),
        .executable(name: "fleet-coordinator", targets: ["fleet-coordinator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        // C: shims over our own C code and over libraries of the system
        c("CBLAKE3"),
        c("CFastCDC"),
        c("CLinux"),
        system("CSQLite", pkgConfig: "sqlite3", debian: "libsqlite3-dev"),
        system("CXXHash", pkgConfig: "libxxhash", debian: "libxxhash-dev"),
        system("CYAML", pkgConfig: "yaml-0.1", debian: "libyaml-dev"),
        system("CZstd", pkgConfig: "libzstd", debian: "libzstd-dev"),

        // Core: pure; no files, sockets, clocks, tasks, randomness
        target("Core", "Hashing", ["CBLAKE3", "CXXHash", crypto]),
        target("Core", "Content", ["Hashing", "CFastCDC"]),
        target("Core", "Trust", ["Hashing", "Content", "UpdateFramework", crypto]),
        target("Core", "UpdateFramework", ["Hashing", crypto]),
        target("Core", "FleetModel", ["Content", "Trust", "UpdateFramework", "Hashing"]),
        target("Core", "Planning", ["FleetModel", "UpdateFramework", "Content", "Hashing"]),
        target("Core", "STOQ", ["Content", "Hashing", "CZstd"]),
        target("Core", "Retention"),
        target("Core", "Swarm", ["Content"]),
        target("Core", "Bandwidth"),

        // System: touches the operating system
        target("System", "LinuxIO", ["CLinux"]),
        target("System", "FleetFile", ["FleetModel", "CYAML"]),
        target("System", "Database", ["CSQLite"]),
        target("System", "Store", ["Content", "Hashing", "Trust", "FleetModel", "Retention", "LinuxIO", "Database"]),
        target("System", "FleetCertificates", ["Content", "Trust", "UpdateFramework", crypto, x509, asn1]),
        target("System", "TrustFiles", ["LinuxIO", "Trust", "UpdateFramework"]),
        target(
            "System", "SigningKeys",
            [
                "UpdateFramework", "Trust", "Content", "Hashing", "FleetCertificates", "LinuxIO", crypto, cryptoExtras,
            ]),
        target(
            "System", "STOQTransport",
            [
                "Bandwidth", "STOQ", "Content", "Hashing", "FleetCertificates", nioCore, nioPosix, nioSSL,
                outside("NIOTLS", "swift-nio"), logging,
            ]),
        target(
            "System", "Telemetry",
            [
                logging, outside("ServiceLifecycle", "swift-service-lifecycle"),
                outside("UnixSignals", "swift-service-lifecycle"),
            ]),

        // Services: composition
        target(
            "Services", "FleetAPI",
            [
                "FleetModel", "FleetCertificates", "Trust", "Content", "Hashing", nioCore, nioPosix, nioSSL,
                outside("AsyncHTTPClient", "async-http-client"),
                outside("NIOHTTP1", "swift-nio"),
            ]),
        target(
            "Services", "AgentService",
            [
                "Store", "STOQTransport", "STOQ", "FleetAPI", "FleetFile", "FleetModel", "FleetCertificates", "Trust",
                "Bandwidth", "Content", "Hashing", "LinuxIO", "SigningKeys", "Swarm", "Telemetry", "UpdateFramework",
                logging, nioPosix,
                outside("ServiceLifecycle", "swift-service-lifecycle"),
                outside("UnixSignals", "swift-service-lifecycle"),
            ]),
        target(
            "Services", "CoordinatorService",
            [
                "Planning", "FleetAPI", "FleetFile", "FleetModel", "FleetCertificates", "Database", "LinuxIO",
                "Telemetry", "Trust", "TrustFiles", "UpdateFramework", "Content", "Hashing", logging, nioCore, nioPosix,
                nioSSL,
                outside("NIOTLS", "swift-nio"),
                outside("HTTPTypes", "swift-http-types"),
                outside("Hummingbird", "hummingbird"),
                outside("HummingbirdCore", "hummingbird"),
                outside("HummingbirdTLS", "hummingbird"),
                outside("ServiceLifecycle", "swift-service-lifecycle"),
                outside("UnixSignals", "swift-service-lifecycle"),
            ]),
        target(
            "Services", "FleetCommands",
            [
                "AgentService", "Database", "FleetAPI", "FleetFile", "FleetModel", "FleetCertificates", "Planning",
                "STOQ", "STOQTransport", "Store", "Trust", "TrustFiles", "SigningKeys", "UpdateFramework", "Content",
                "Hashing", "LinuxIO",
                "Telemetry", logging, crypto,
                outside("ArgumentParser", "swift-argument-parser"),
            ]),

        // Commands: `main` only
        program("fleetctl", ["FleetCommands"]),
        program("fleet-agent", ["AgentService", outside("ArgumentParser", "swift-argument-parser")]),
        program(
            "fleet-coordinator",
            ["CoordinatorService", logging, outside("ArgumentParser", "swift-argument-parser")]),

        // Benchmarks: scripts/bench runs them beside their peers
        .target(
            name: "BenchmarkSubjects",
            dependencies: [
                "Content", "FleetCertificates", "Hashing", "LinuxIO", "STOQ", "STOQTransport", "Store", "SigningKeys",
                "UpdateFramework", logging, nioCore, nioPosix, nioSSL,
            ],
            path: "Tests/Benchmarks/Subjects", swiftSettings: flags),
        .executableTarget(
            name: "fleet-bench",
            dependencies: ["BenchmarkSubjects", "Hashing", outside("ArgumentParser", "swift-argument-parser")],
            path: "Tests/Benchmarks/Program", swiftSettings: flags),
        .testTarget(
            name: "BenchmarkSubjectsTests", dependencies: ["BenchmarkSubjects"],
            path: "Tests/Benchmarks/SubjectsTests", swiftSettings: flags),

        // Conformance: a client that the suite of the TUF project and our oracle tests drive
        .executableTarget(
            name: "tuf-conformance-client",
            dependencies: [
                "UpdateFramework", "SigningKeys", "Hashing", "LinuxIO", crypto, nioCore,
                outside("ArgumentParser", "swift-argument-parser"),
                outside("AsyncHTTPClient", "async-http-client"),
                outside("NIOHTTP1", "swift-nio"),
                cryptoExtras,
            ],
            path: "Tests/Conformance/Client", swiftSettings: flags),

        // Hostile hosts: what Tests/EndToEnd/test_attacks.py attacks agents with
        .executableTarget(
            name: "fleet-hostile",
            dependencies: [
                "STOQTransport", "STOQ", "Content", "FleetCertificates", "Hashing", "LinuxIO", "SigningKeys", "Swarm",
                "Trust", "UpdateFramework", logging, nioCore, nioPosix, nioSSL,
                outside("NIOHTTP1", "swift-nio"), outside("ArgumentParser", "swift-argument-parser"),
            ],
            path: "Tests/Hostile", swiftSettings: flags),

        // Fuzzing: every decoder behind one name; scripts/fuzz adds the program
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Content", "Hashing", "Trust", "FleetModel", "STOQ", "LinuxIO", "FleetFile", "Store",
                "FleetCertificates", "STOQTransport", "FleetAPI", "TrustSupport", "UpdateFramework", "SigningKeys",
                "Swarm", "FleetCommands",
            ],
            path: "Tests/Fuzz/Targets", swiftSettings: flags),
        .testTarget(
            name: "FuzzTargetsTests", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/TargetsTests",
            swiftSettings: flags),

        // Tests
        .target(name: "TestSupport", path: "Tests/Support/TestSupport", swiftSettings: flags),
        .target(
            name: "TrustSupport", dependencies: ["Content", "SigningKeys", "Trust", "UpdateFramework"],
            path: "Tests/Support/TrustSupport", swiftSettings: flags),
        .target(name: "Exploration", path: "Tests/Support/Exploration", swiftSettings: flags),
        .testTarget(
            name: "ExplorationTests", dependencies: ["Exploration"], path: "Tests/Support/ExplorationTests",
            swiftSettings: flags),
        .testTarget(name: "ArchitectureTests", path: "Tests/Architecture", swiftSettings: flags),
        tests("Core", "Hashing", ["TestSupport"], fixtures: ["Fixtures"]),
        tests("Core", "Content", ["Hashing", "TestSupport"], fixtures: ["Fixtures"]),
        tests(
            "Core", "Trust",
            ["Content", "Hashing", "SigningKeys", "TestSupport", "TrustSupport", "UpdateFramework", crypto]),
        tests("Core", "UpdateFramework", ["Hashing", "SigningKeys", "TestSupport", crypto]),
        tests("Core", "FleetModel", ["FleetFile", "Trust", "UpdateFramework", "Content", "Hashing", "Exploration"]),
        tests("Core", "Planning", ["FleetModel", "FleetFile", "UpdateFramework", "Content", "Hashing", "TestSupport"]),
        tests("Core", "STOQ", ["Content", "Hashing", "TestSupport"]),
        tests("Core", "Retention", ["Exploration"]),
        tests("Core", "Swarm", ["Content", "TestSupport"]),
        tests("Core", "Bandwidth", ["TestSupport"]),
        tests("System", "LinuxIO", ["CLinux"]),
        tests("System", "FleetFile", ["FleetModel", "TestSupport", "Trust", "UpdateFramework"]),
        tests("System", "Database"),
        tests("System", "FleetCertificates", ["Content", "Trust", "UpdateFramework", crypto, x509, asn1]),
        tests("System", "SigningKeys", ["UpdateFramework", "FleetCertificates", "LinuxIO", "TestSupport"]),
        tests("System", "Telemetry", [logging]),
        tests(
            "System", "Store",
            [
                "Content", "Hashing", "Trust", "FleetModel", "LinuxIO", "Database", "Exploration", "TestSupport",
                "TrustSupport", crypto,
            ]),
        tests(
            "System", "STOQTransport",
            [
                "STOQ", "FleetCertificates", "Content", "Hashing", "TestSupport", nioCore, nioPosix, nioSSL, logging,
                outside("NIOTLS", "swift-nio"),
            ]),
        tests("Services", "FleetAPI", ["FleetModel"]),
        tests(
            "Services", "CoordinatorService",
            [
                "FleetAPI", "FleetModel", "FleetCertificates", "Trust", "TrustFiles", "TrustSupport", "UpdateFramework",
                "Content", "Hashing", "LinuxIO", logging, nioCore, nioPosix,
                nioSSL, x509, asn1, crypto, outside("AsyncHTTPClient", "async-http-client"),
                outside("NIOHTTP1", "swift-nio"), outside("ServiceLifecycle", "swift-service-lifecycle"),
            ]),
        tests(
            "Services", "AgentService",
            [
                "Content", "Hashing", "Exploration", "FleetCertificates", "FleetModel", "LinuxIO", "STOQ",
                "STOQTransport", "Store", "Swarm", "Trust", "TrustSupport", "UpdateFramework", logging,
            ]),
        tests("Services", "FleetCommands", ["FleetModel", "UpdateFramework", "SigningKeys", "LinuxIO", "Hashing"]),
    ]
)

// libFuzzer brings `main` with it, so its program links only in a build with `--sanitize fuzzer`.
if Context.environment["FLEET_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fleet-fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Program", swiftSettings: flags))
}
