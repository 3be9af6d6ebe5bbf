import Foundation
import Testing
import TradingLoad

/// The program itself: what scripts see of it.
@Suite struct ProgramTests {
  private struct Outcome {
    let code: Int32
    let output: String
    let complaint: String
  }

  /// Runs rtx-load to its end, or for half a minute.
  private func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Outcome {
    let folder = ProcessInfo.processInfo.environment["RTX_BIN"].map { URL(filePath: $0) }
    let process = Process()
    process.executableURL =
      (folder ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()).appending(path: "rtx-load")
    process.arguments = arguments
    process.environment = environment
    let (output, complaint) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = complaint
    let timer = DispatchSource.makeTimerSource()
    timer.setEventHandler { process.terminate() }
    timer.schedule(deadline: .now() + 30)
    let code: Int32 = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do {
        try process.run()
        timer.resume()
      } catch {
        timer.resume()
        continuation.resume(throwing: error)
      }
    }
    timer.cancel()
    // Both are smaller than what a pipe holds.
    func text(_ pipe: Pipe) -> String { String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self) }
    return Outcome(code: code, output: text(output), complaint: text(complaint))
  }

  private func short(_ port: Int) -> [String] {
    [
      "--rate", "500", "--duration", "0.2", "--spacing", "uniform", "--prefix", "t", "--repeat", "100",
      "127.0.0.1:\(port)",
    ]
  }

  @Test(arguments: [
    (FaultyServer.Fault.none, Int32(0), "SOUND"), (.answersUnknown, 0, "SOUND"), (.cutsConnection, 0, "SOUND"),
    (.loses, 1, "BROKEN"), (.doubles, 1, "BROKEN"), (.contradicts, 1, "BROKEN"), (.answersDifferently, 1, "BROKEN"),
  ]) func theVerdictIsInTheExitCodeAndInWords(fault: FaultyServer.Fault, code: Int32, word: String) async throws {
    let outcome = try await FaultyServer(fault).run { try await run(short($0)) }
    #expect(outcome.code == code, "\(outcome.complaint)")
    #expect(outcome.output.contains(word))
    if code == 1 { #expect(outcome.output.contains("t-0"), "the order is named") }
  }

  @Test func ordersWithoutAnAnswerEndWithTwo() async throws {
    let outcome = try await FaultyServer(.keepsSilent).run {
      try await run(short($0) + ["--deadline", "0.3", "--settle", "1"])
    }
    #expect(outcome.code == 2)
    #expect(outcome.output.contains("UNRESOLVED") && outcome.output.contains("--prefix"))
  }

  @Test func jsonIsTheWholeReportAndNothingElse() async throws {
    let outcome = try await FaultyServer(.cutsConnection).run { try await run(short($0) + ["--json"]) }
    let report = try JSONDecoder().decode(LoadReport.self, from: Data(outcome.output.utf8))
    #expect(outcome.code == 0 && outcome.complaint.isEmpty)
    #expect(report.prefix == "t" && report.offeredPerSecond == 500)
    let orders = report.orders
    #expect(orders.sent == 100 && orders.acknowledged == 100 && orders.found == 100)
    #expect(orders.retried == 100 && orders.refused + orders.unknown + orders.unchecked == 0)
    #expect(report.troubles == ["connection lost": 10])
    #expect(report.endpoints.map(\.answered) == [100])
  }

  @Test func whoIsNotLetInIsTold() async throws {
    let outcome = try await FaultyServer(tokenLifetime: 60).run { port in
      try await run(short(port) + ["--login", "alice"], environment: ["RTX_PASSWORD": "wrong"])
    }
    #expect(outcome.code == 77)
    #expect(outcome.complaint.contains("alice cannot log in: HTTP 401 wrong_credentials"))
    let stranger = try await FaultyServer(tokenLifetime: 60).run { try await run(short($0)) }
    #expect(stranger.code == 77)
    let alice = try await FaultyServer(tokenLifetime: 60).run { port in
      try await run(short(port) + ["--login", "alice"], environment: ["RTX_PASSWORD": "correct horse"])
    }
    #expect(alice.code == 0, "\(alice.output)\(alice.complaint)")
  }

  @Test func aServerThatIsNotThereEndsWith69() async throws {
    // Nobody listens on port 1.
    let outcome = try await run(["--duration", "0.1", "127.0.0.1:1"])
    #expect(outcome.code == 69)
    #expect(outcome.complaint.contains("no answer from http://127.0.0.1:1"))
  }

  @Test(arguments: [
    ["--rate", "0"], ["--mix", "orders=x"], ["--spacing", "never"], ["--prefix", ""], ["--repeat", "101"],
    ["--login", "alice"], ["--login", "alice", "--token", "t"], ["ftp://127.0.0.1"], ["--unknown"],
  ]) func aWrongCommandLineEndsWith64(arguments: [String]) async throws {
    let outcome = try await run(arguments)
    #expect(outcome.code == 64)
    #expect(outcome.complaint.contains("Error: "))
  }
}
