import Foundation
import KubernetesModels
import NIOCore
import NIOSSL
import Testing

@testable import KubernetesClient
@testable import SandboxCluster

/// Whatever comes in from files and servers ends in a value or a typed error: never a crash, never memory without bound.
@Suite(.serialized, .timeLimit(.minutes(30))) struct FuzzTests {
  private static let kubeconfig = """
    apiVersion: v1
    kind: Config
    current-context: main
    clusters:
    - name: c
      cluster: {server: "https://a:6443/x", tls-server-name: n, proxy-url: "socks5://u:s3cret@h:1", certificate-authority-data: Q0E=}
    contexts:
    - name: main
      context: &x {cluster: c, user: u, namespace: rtx}
    - {name: other, context: *x}
    users:
    - name: u
      user:
        token: s3cret
        as: me
        as-groups: [g]
        exec: {apiVersion: client.authentication.k8s.io/v1, command: ./p, args: [a], env: [{name: A, value: s3cret}], provideClusterInfo: true}
    - name: v
      user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ, tokenFile: t}
    """

  @Test func kubeconfigs() async throws {
    let folder = try TemporaryFolder()
    let pieces = [
      "current-context: other\n", "user: v", "- name: c\n", "null", "proxy-url: http://[::1", "server: 'https://'",
      "&x ", "*x ",
      "<<: *x\n", "---\n", "!!binary ", "as-groups: 5", "exec: {}", "certificate-authority: /dev/null", "tokenFile: .",
      "\t",
    ]
    try await Fuzz.run("kubeconfigs") { random in
      let bytes = random.mutated(Array(Self.kubeconfig.utf8), pieces: pieces)
      let file = folder.path + "/config"
      try Data(bytes).write(to: URL(fileURLWithPath: file))
      do {
        let kubeconfig = try Kubeconfig(files: [file])
        for context in [nil] + kubeconfig.contextNames.prefix(4).map(Optional.some) {
          do {
            let configuration = try kubeconfig.configuration(context: context)
            guard !"\(configuration)".contains("token s3cret") else { throw BrokenPromise("printed a token") }
            _ = try TLSConfiguration.make(configuration)
            _ = try ServerAddress(configuration)
            _ = try ProxyAddress(configuration)
          } catch let error as ConfigurationError {
            guard !error.remedy.isEmpty, !error.file.isEmpty else { throw BrokenPromise("says too little: \(error)") }
          }
        }
      } catch let error as ConfigurationError {
        guard !error.remedy.isEmpty else { throw BrokenPromise("says too little: \(error)") }
      }
    }
  }

  @Test func anAliasBombIsRefused() throws {
    let folder = try TemporaryFolder()
    var text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for (name, previous) in zip("bcdefghij", "abcdefghi") {
      text += "\(name): &\(name) [" + Array(repeating: "*\(previous)", count: 9).joined(separator: ",") + "]\n"
    }
    let file = try folder.write("bomb", text)
    #expect(throws: ConfigurationError.self) { _ = try Kubeconfig(files: [file]).configuration() }
  }

  private static func watchScript(_ random: inout FuzzRandom) -> [UInt8] {
    var bytes: [UInt8] = []
    for number in 0..<(1 + random.below(6)) {
      var sample = configMap("o\(number)", version: "\(number)", data: ["k": "v"])
      sample.set([["manager": "m", "fieldsV1": ["f:data": ["f:k": [:]]]]], at: ["metadata", "managedFields"])
      let object = random.mutated(sample)
      let type = random.pick(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "OTHER"])
      bytes += JSONValue.object(["type": .string(type), "object": object]).serialized()
      bytes.append(10)
    }
    if random.chance(50) {
      bytes = random.mutated(bytes, pieces: ["\n", "{\"type\":", "\"object\":{}", "\\u0000", "}}\n{"])
    }
    return bytes
  }

  /// What a watch makes of bytes that come in these pieces, with the error that it ends with as text.
  private static func events(
    _ pieces: [ArraySlice<UInt8>], omittingManagedFields: Bool = false
  ) async throws -> [String] {
    let chunks = pieces.map { ByteBuffer(bytes: $0) }
    let client = KubernetesClient(
      transport: FakeTransport { _, _ in
        KubernetesResponse(
          status: 200,
          body: ResponseBody(
            AsyncStream<ByteBuffer> { continuation in
              for chunk in chunks { continuation.yield(chunk) }
              continuation.finish()
            }))
      })
    var seen: [String] = []
    do {
      let options = WatchOptions(omitsManagedFields: omittingManagedFields)
      for try await event in client.watch(ConfigMap.self, in: "rtx", options: options) {
        switch event {
        case .added(let object): seen.append("added \(object.metadata.name ?? "")")
        case .modified(let object): seen.append("modified \(object.metadata.name ?? "")")
        case .deleted(let object): seen.append("deleted \(object.metadata.name ?? "")")
        case .bookmark(let version, let isEnd): seen.append("bookmark \(version) \(isEnd)")
        case .undecodable(let object): seen.append("undecodable \(object.name)")
        }
      }
    } catch let error as KubernetesError {
      seen.append("\(error)")
    }
    return seen
  }

  @Test func watchStreams() async throws {
    try await Fuzz.run("watch-streams") { random in
      let bytes = Self.watchScript(&random)
      var pieces: [ArraySlice<UInt8>] = []
      var rest = bytes[...]
      while !rest.isEmpty {
        let length = min(rest.count, 1 + random.below(random.chance(30) ? 3 : 200))
        pieces.append(rest.prefix(length))
        rest = rest.dropFirst(length)
      }
      let (whole, cut) = (try await Self.events([bytes[...]]), try await Self.events(pieces))
      guard whole == cut else { throw BrokenPromise("cutting the stream changes it: \(whole) \(cut)") }
      // Less is read then, so more may pass; what it must not do is crash or hang.
      _ = try await Self.events(pieces, omittingManagedFields: true)
    }
  }

  @Test func streamMessagesAndProxies() async throws {
    try await Fuzz.run("streams") { random in
      let samples = [
        "{\"status\":\"Success\"}",
        "{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{}]}}",
        "HTTP/1.1 200 OK\r\n\r\n", "\u{5}\u{0}\u{5}\u{0}\u{0}\u{1}abcdef",
      ]
      let bytes = random.mutated(
        Array(random.pick(samples).utf8), pieces: ["\r\n", "\r\n\r\n", "ExitCode", "9999999999999"])
      _ = ChannelMessage(ByteBuffer(bytes: bytes))
      do { _ = try ProcessExit(ByteBuffer(bytes: bytes)) } catch let error as KubernetesError { _ = error.description }
      var handshake = ProxyHandshake(
        kind: random.pick([.http, .socks5]), host: "h", port: 1, user: random.pick([nil, "u"]))
      talk: for byte in bytes.prefix(40_000) {
        switch handshake.receive([byte]) {
        case .done, .fail: break talk
        case .send, .wait: break
        }
      }
    }
  }

  @Test func refusals() async throws {
    try await Fuzz.run("refusals") { random in
      let sample: JSONValue = [
        "kind": "Status", "code": 403, "reason": "Forbidden", "message": "exceeded quota: a, b",
        "details": ["causes": [["reason": "x", "field": "y", "message": "z"]], "retryAfterSeconds": 3],
      ]
      let response = KubernetesResponse.json(random.mutated(sample), status: random.pick([403, 404, 409, 429, 500]))
      let error = try await KubernetesError.refusal(response, of: KubernetesRequest(path: "/x"))
      _ = (error.description, error.refusal, error.isTransient, error.retryAfter)
    }
  }

  @Test func patches() async throws {
    let schema = BuiltinSchemaRegistry.shared.schema(group: "apps", version: "v1", kind: "Deployment")
    let sample: JSONValue = [
      "metadata": ["name": "a", "finalizers": ["x"]],
      "spec": [
        "replicas": 1,
        "template": [
          "spec": [
            "containers": [["name": "main", "env": [["name": "A", "value": "1"]], "ports": [["containerPort": 80]]]]
          ]
        ],
      ],
    ]
    try await Fuzz.run("patches") { random in
      let target = random.mutated(sample)
      let patch = random.mutated(random.chance(50) ? sample : target)
      let merged = Patching.merge(patch, to: target)
      guard Patching.merge(patch, to: merged) == merged else { throw BrokenPromise("a merge patch twice is not once") }
      do {
        _ = try Patching.strategicMerge(patch, to: target, schema: random.chance(70) ? schema : nil)
      } catch is PatchError {}
      let operations = (0..<(1 + random.below(4))).map { _ in Self.operation(&random) }
      do {
        _ = try Patching.json(operations, to: target)
      } catch is PatchError {}
    }
  }

  private static func operation(_ random: inout FuzzRandom) -> JSONValue {
    func path() -> JSONValue {
      let parts = (0..<random.below(5)).map { _ in
        random.pick([
          "spec", "template", "containers", "0", "1", "-", "~0", "~2", "name", "", "99999999999999999999", "-1",
        ])
      }
      return .string(random.chance(10) ? "spec" : parts.map { "/" + $0 }.joined())
    }
    var operation: JSONValue = [
      "op": .string(random.pick(["add", "remove", "replace", "move", "copy", "test", "dance"])), "path": path(),
    ]
    if random.chance(60) { operation["value"] = random.json() }
    if random.chance(50) { operation["from"] = path() }
    return random.chance(5) ? random.json() : operation
  }

  @Test func copiesThatDoubleAreRefused() throws {
    // Forty doublings of a list would be a million million of entries.
    let operation: JSONValue = ["op": "copy", "from": "/a", "path": "/a/-"]
    let operations = Array(repeating: operation, count: 40)
    #expect {
      _ = try Patching.json(operations, to: ["a": ["x"]])
    } throws: { ($0 as? PatchError)?.message.contains("exceeding the limit") == true }
  }
}
