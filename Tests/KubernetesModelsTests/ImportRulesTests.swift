import Foundation
import Testing

/// Imports point downwards only, and the operator's side and the trading side never meet (see CONTRIBUTING.md).
struct ImportRulesTests {
  static let allowed: [String: Set<String>] = [
    "KubernetesModels": ["CLibYAML"],
    "KubernetesClient": ["KubernetesModels"],
    "PrometheusMetrics": [],
    "OperatorRuntime": ["KubernetesClient", "KubernetesModels", "PrometheusMetrics"],
    "OperatorTestKit": ["SandboxCluster", "OperatorRuntime", "KubernetesClient", "KubernetesModels"],
    "RTXPlatformAPI": ["KubernetesModels"],
    "PlatformOperator": ["RTXPlatformAPI", "OperatorRuntime", "KubernetesClient", "KubernetesModels"],
    "rtx-operator": [
      "PlatformOperator", "RTXPlatformAPI", "OperatorRuntime", "KubernetesClient", "KubernetesModels",
      "PrometheusMetrics",
    ],
    "kubectl-rtx": ["RTXPlatformAPI", "KubernetesClient", "KubernetesModels"],
    "TradingCore": [],
    "TradingStore": ["TradingCore", "CLibPQ", "CHiredis"],
    "TradingServer": ["TradingStore", "TradingCore", "PrometheusMetrics", "COpenSSL", "CCrypt"],
    "rtx-server": ["TradingServer", "TradingStore", "TradingCore", "PrometheusMetrics"],
    "TradingLoad": [],
    "rtx-load": ["TradingLoad"],
    "SandboxCluster": ["OperatorRuntime", "KubernetesClient", "KubernetesModels", "COpenSSL", "CZlib"],
    "rtx-sandbox": ["SandboxCluster", "KubernetesClient", "KubernetesModels"],
  ]

  static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Sources")

  /// The modules that a target's files import.
  static func imports(of target: String) throws -> Set<String> {
    let folder = sources.appending(path: target)
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    var found: Set<String> = []
    for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
        let words = line.split(separator: " ")
        let qualifiers: Set<Substring> = ["public", "internal", "package", "@preconcurrency"]
        guard let place = words.firstIndex(of: "import"), words[..<place].allSatisfy({ qualifiers.contains($0) })
        else { continue }
        found.insert(String(words[words.count - 1].split(separator: ".")[0]))
      }
    }
    return found
  }

  @Test(arguments: allowed.keys.sorted()) func targetImportsOnlyWhatStandsBelowIt(target: String) throws {
    let ours = Set(Self.allowed.keys).union(["CLibPQ", "CHiredis", "CLibYAML", "COpenSSL", "CCrypt", "CZlib"])
    let imports = try Self.imports(of: target)
    #expect(imports.intersection(ours).subtracting(Self.allowed[target] ?? []).isEmpty)
    #expect(!imports.contains("Foundation"), "FoundationEssentials keeps ICU out of the binaries")
  }

  @Test func everyTargetHasARule() throws {
    let targets = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path)
    let libraries: Set = ["CLibPQ", "CHiredis", "CLibYAML", "COpenSSL", "CCrypt", "CZlib"]
    #expect(Set(targets).subtracting(libraries) == Set(Self.allowed.keys))
  }
}
