// swift-tools-version: 6.1
import PackageDescription

// Every target is compiled in Swift 6 mode with the upcoming features below, so that `any` is spelled out,
// imports stay private unless said otherwise, and an extension member needs its own import.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
  .product(name: "NIOHTTP1", package: "swift-nio"),
  .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let webSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let metrics: [Target.Dependency] = [
  .product(name: "CoreMetrics", package: "swift-metrics"), .product(name: "Metrics", package: "swift-metrics"),
]
let lifecycle: [Target.Dependency] = [
  .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
  .product(name: "UnixSignals", package: "swift-service-lifecycle"),
]
// Subprocess takes file paths of the system's own module where there is one, of this package elsewhere.
let subprocess: [Target.Dependency] = [
  .product(name: "Subprocess", package: "swift-subprocess"), .product(name: "SystemPackage", package: "swift-system"),
]
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: [Target.Dependency] = [
  .product(name: "HummingbirdCore", package: "hummingbird"), .product(name: "HTTPTypes", package: "swift-http-types"),
  .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
  .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
]
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies + [arguments, logging], swiftSettings: settings)
}
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name + "Tests", dependencies: [.target(name: name)] + dependencies, swiftSettings: settings)
}

let testTargets: [Target] = [
  tests("KubernetesModels", []),
  tests("KubernetesClient", ["KubernetesModels", "SandboxCluster", logging, webSocket] + nio),
  tests("PrometheusMetrics", metrics),
  tests(
    "OperatorRuntime",
    [
      "KubernetesClient", "KubernetesModels", "OperatorTestKit", "PrometheusMetrics", "SandboxCluster", logging,
      tracing,
      .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
    ] + nio + metrics),
  tests("RTXPlatformAPI", ["KubernetesModels"]),
  tests(
    "PlatformOperator",
    ["RTXPlatformAPI", "OperatorRuntime", "KubernetesClient", "KubernetesModels", "SandboxCluster", logging]),
  tests("TradingCore", []),
  tests("TradingStore", ["TradingCore", logging]),
  tests("TradingLoad", nio),
  tests(
    "TradingServer",
    [
      "TradingLoad", "TradingStore", "TradingCore", logging, tracing,
      .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
    ] + lifecycle),
  tests(
    "SandboxCluster",
    [
      "OperatorRuntime", "KubernetesClient", "KubernetesModels", logging,
      .product(name: "NIOEmbedded", package: "swift-nio"),
    ]
      + nio),
  // One suite for every API server at hand: the sandbox's, and a real one in envtest's usual place.
  .testTarget(
    name: "ConformanceTests",
    dependencies: [
      "KubernetesClient", "KubernetesModels", "OperatorRuntime", "PlatformOperator", "RTXPlatformAPI", "SandboxCluster",
      logging,
    ], swiftSettings: settings),
  .testTarget(
    name: "EndToEndTests", dependencies: ["KubernetesClient", "KubernetesModels"] + subprocess, swiftSettings: settings),
]

/// RTX_TESTS=KubernetesModels,TradingCore builds only those modules' tests: a change in one is then tried in seconds.
func selected(_ targets: [Target]) -> [Target] {
  guard let wanted = Context.environment["RTX_TESTS"] else { return targets }
  let names = wanted.split(separator: ",").map { $0 + "Tests" }
  return targets.filter { target in names.contains { $0 == target.name } }
}

/// Built only where RTX_BENCHMARKS is set, as hack/bench does: nobody else pays for them.
let benchmarks: [Target] = [
  .target(
    name: "Widgets", dependencies: ["KubernetesModels"], path: "Benchmarks/runtime/Widgets", swiftSettings: settings),
  // The operator under test, alone in its process: what is measured is its memory.
  .executableTarget(
    name: "widget-operator",
    dependencies: ["Widgets", "KubernetesModels", "KubernetesClient", "OperatorRuntime", arguments, logging],
    path: "Benchmarks/runtime/widget-operator", swiftSettings: settings),
  .executableTarget(
    name: "runtime-bench", dependencies: ["Widgets", "KubernetesModels", "KubernetesClient", arguments],
    path: "Benchmarks/runtime/runtime-bench", swiftSettings: settings),
  .executableTarget(
    name: "order-bench", dependencies: ["TradingLoad", "TradingStore", "TradingCore", arguments, logging],
    path: "Benchmarks/trading/order-bench", swiftSettings: settings),
  .executableTarget(
    name: "core-bench", dependencies: ["TradingCore"], path: "Benchmarks/trading/core-bench", swiftSettings: settings),
  .systemLibrary(name: "CEpoll", path: "Benchmarks/trading/CEpoll"),
  .executableTarget(
    name: "ws-bench", dependencies: ["CEpoll", arguments], path: "Benchmarks/trading/ws-bench",
    swiftSettings: settings),
  .executableTarget(
    name: "release-bench", dependencies: ["RTXPlatformAPI", "KubernetesModels", "KubernetesClient", arguments],
    path: "Benchmarks/bluegreen/release-bench", swiftSettings: settings),
]

let package = Package(
  name: "rtx-platform",
  products: [
    .library(name: "KubernetesModels", targets: ["KubernetesModels"]),
    .library(name: "KubernetesClient", targets: ["KubernetesClient"]),
    .library(name: "OperatorRuntime", targets: ["OperatorRuntime"]),
    .library(name: "OperatorTestKit", targets: ["OperatorTestKit"]),
    .executable(name: "rtx-operator", targets: ["rtx-operator"]),
    .executable(name: "kubectl-rtx", targets: ["kubectl-rtx"]),
    .executable(name: "rtx-server", targets: ["rtx-server"]),
    .executable(name: "rtx-load", targets: ["rtx-load"]),
    .executable(name: "rtx-sandbox", targets: ["rtx-sandbox"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    // Compiled for AsyncHTTPClient in any case.
    .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
  ],
  targets: [
    // System libraries: what Debian ships, so that nobody compiles a second copy.
    .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    // The operator side: each line may import only what stands above it.
    library("KubernetesModels", ["CLibYAML"]),
    library(
      "KubernetesClient",
      ["KubernetesModels", logging, webSocket, .product(name: "AsyncHTTPClient", package: "async-http-client")] + nio
        + subprocess),
    library("PrometheusMetrics", metrics),
    library(
      "OperatorRuntime",
      [
        "KubernetesClient", "KubernetesModels", "PrometheusMetrics", logging, tracing, hummingbird,
        .product(name: "HummingbirdTLS", package: "hummingbird"),
      ] + nio + metrics + lifecycle),
    // For tests of operators, this package's and others'; the one that looks down, at the stand-in for a cluster.
    library("OperatorTestKit", ["SandboxCluster", "OperatorRuntime", "KubernetesClient", "KubernetesModels"] + nio),
    library("RTXPlatformAPI", ["KubernetesModels"]),
    library(
      "PlatformOperator",
      [
        "RTXPlatformAPI", "OperatorRuntime", "KubernetesClient", "KubernetesModels", "PrometheusMetrics", logging,
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Crypto", package: "swift-crypto"),
      ] + nio + metrics),
    program("rtx-operator", ["PlatformOperator", "OperatorRuntime", "KubernetesClient"]),
    program("kubectl-rtx", ["RTXPlatformAPI", "KubernetesClient", "KubernetesModels"]),

    // The trading side.
    library("TradingCore", []),
    library("TradingStore", ["TradingCore", "CLibPQ", "CHiredis", logging, tracing]),
    library(
      "TradingServer",
      [
        "TradingStore", "TradingCore", "PrometheusMetrics", "COpenSSL", "CCrypt", hummingbird, logging, tracing,
        webSocket,
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
      ] + hummingbirdCore + nio + metrics + lifecycle),
    program("rtx-server", ["TradingServer", "TradingStore", "TradingCore"] + lifecycle),
    // The load driver: it knows the server by its API only.
    library("TradingLoad", nio + [webSocket]),
    program("rtx-load", ["TradingLoad"] + nio),

    // The stand-in for a cluster.
    library(
      "SandboxCluster",
      ["OperatorRuntime", "KubernetesClient", "KubernetesModels", "COpenSSL", "CZlib", logging, webSocket]
        + nio + lifecycle + subprocess),
    program("rtx-sandbox", ["SandboxCluster", "KubernetesClient", "KubernetesModels"] + subprocess),
  ] + selected(testTargets) + (Context.environment["RTX_BENCHMARKS"] == nil ? [] : benchmarks),
  swiftLanguageModes: [.v6]
)
