import Foundation
import NIOCore
import Testing
import TradingStore

@testable import TradingServer

/// The real program in a process of its own, so that its memory and its connections can be counted.
@Suite struct HostileClientTests {
  private struct Server {
    let port: Int
    let process: ServerProcess

    /// Resident memory in MiB (proc(5), VmRSS).
    func memory() throws -> Double {
      let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
      return Double(line.split(whereSeparator: \.isWhitespace)[1]).map { $0 / 1_024 } ?? 0
    }

    /// Sockets, files and pipes.
    func descriptors() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.pid)/fd").count
    }
  }

  private func withProgram(_ body: (Server) async throws -> Void) async throws {
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    let redis = try RedisServer()
    try await redis.waitUntilReady()
    let port = try freePort()
    let environment = [
      "DB_HOST": postgres.host, "DB_PORT": "\(postgres.port)", "DB_NAME": postgres.database, "DB_USER": postgres.user,
      "DB_SSL_MODE": "disable", "REDIS_HOST": redis.settings.host, "REDIS_PORT": "\(redis.settings.port)",
      "PORT": "\(port)", "BIND_ADDRESS": "127.0.0.1", "JWT_SECRET": "a secret of tests, long enough for it",
      "RATE_LIMIT_PER_ACCOUNT": "0", "RATE_LIMIT_PER_ADDRESS": "0", "LOG_LEVEL": "error",
    ]
    let process = ServerProcess(
      ["/usr/bin/env"] + environment.map { "\($0.key)=\($0.value)" } + [CrashCluster.program("rtx-server")])
    try process.start()
    defer { process.kill() }
    try await waitUntilReady(port)
    try await body(Server(port: port, process: process))
  }

  @Test func memoryStaysFlatUnderWhatIsMalformed() async throws {
    try await withProgram { server in
      // Buffers, caches and metrics grow to their size first.
      for _ in 0..<3 { try await MalformedInputs.send(to: server.port) }
      let (memory, descriptors) = (try server.memory(), try server.descriptors())
      for _ in 0..<6 { try await MalformedInputs.send(to: server.port) }
      let growth = try server.memory() - memory
      // Six times three megabytes of bodies alone would show.
      #expect(growth < 6, "MiB more after 2,000 further inputs, on \(memory)")
      try await eventually("no connection is left") { try server.descriptors() < descriptors + 20 }
      #expect(try await WireClient.order(server.port, "still-well").status == 201)
    }
  }

  @Test func slowClientsAreCutOffAndDisturbNobody() async throws {
    try await withProgram { server in
      #expect(try await WireClient.order(server.port, "before").status == 201)
      let before = try server.descriptors()
      let parts = ["G", "GET / HTTP/1.1\r\nHost: x\r\nX-A: ", "POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-"]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<200 {
          group.addTask {
            try await WireClient.connect(server.port).executeThenClose { inbound, outbound in
              try await outbound.write(ByteBuffer(string: parts[number % parts.count]))
              // Ends when the server closes. A connection that is reset was closed too.
              do { for try await _ in inbound {} } catch {}
            }
          }
        }
        try await eventually("all are connected") { try server.descriptors() >= before + 200 }
        #expect(try await WireClient.order(server.port, "meanwhile").status == 201)
        // They are closed after the ten seconds that a head may take.
        try await group.waitForAll()
      }
      // Some more may lead to the database.
      try await eventually("no connection is left") { try server.descriptors() < before + 20 }
    }
  }
}
