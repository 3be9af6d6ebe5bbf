// swift-tools-version: 6.1
import PackageDescription

// A package of its own: nobody who builds or tests the platform pays for it.
// `swift run -c release --package-path Benchmarks/trading core-bench` builds and runs it.
let package = Package(
  name: "trading-bench",
  dependencies: [.package(name: "rtx-platform", path: "../..")],
  targets: [
    .executableTarget(name: "core-bench", dependencies: [.product(name: "TradingCore", package: "rtx-platform")])
  ],
  swiftLanguageModes: [.v6]
)
