// swift-tools-version: 6.1
import PackageDescription

// A package of its own: nobody who builds or tests the platform pays for it. `hack/bench runtime` builds and runs it.
let package = Package(
  name: "runtime-bench",
  dependencies: [
    .package(name: "rtx-platform", path: "../.."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
  ],
  targets: [
    .target(name: "Widgets", dependencies: [.product(name: "KubernetesModels", package: "rtx-platform")]),
    // The operator under test, alone in its process: what is measured is its memory.
    .executableTarget(
      name: "widget-operator",
      dependencies: [
        "Widgets",
        .product(name: "KubernetesModels", package: "rtx-platform"),
        .product(name: "KubernetesClient", package: "rtx-platform"),
        .product(name: "OperatorRuntime", package: "rtx-platform"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "runtime-bench",
      dependencies: [
        "Widgets",
        .product(name: "KubernetesModels", package: "rtx-platform"),
        .product(name: "KubernetesClient", package: "rtx-platform"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
