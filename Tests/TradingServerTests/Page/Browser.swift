import Foundation
import NIOCore
import Testing

/// Debian's Chromium without a screen, driven over the DevTools protocol (chromedevtools.github.io/devtools-protocol).
struct Browser {
  static let program = "/usr/bin/chromium"
  static let isInstalled = FileManager.default.isExecutableFile(atPath: program)

  /// What went wrong in the browser, or an answer that never came.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Within which a command is answered; a page that loads, too.
  private static let patience = TimeAmount.seconds(20)

  private var socket: WireSocket
  private var tab: String?
  private var lastId = 0
  /// What the console shows in red: errors of scripts, failed requests and what the page's policy forbade.
  private(set) var complaints: [String] = []

  /// Starts a browser with an empty tab that is `width` by `height` pixels large, and ends it after `body`.
  static func with<Value>(
    width: Int = 1440, height: Int = 900, _ body: (inout Browser) async throws -> Value
  ) async throws -> Value {
    let folder = try makeDirectory()
    let process = ServerProcess(
      asOrdinaryUser + [
        "/usr/bin/env", "HOME=\(folder)", program, "--headless=new", "--no-sandbox", "--disable-gpu",
        "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--no-first-run",
        "--user-data-dir=\(folder)/profile", "--remote-debugging-port=0", "about:blank",
      ])
    try process.start()
    defer { process.kill() }
    // The browser writes there on which port and path it listens.
    let file = folder + "/profile/DevToolsActivePort"
    var lines: [String] = []
    try await eventually("the browser listens", within: .seconds(40)) {
      lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map { String($0) }
      return lines.count == 2
    }
    return try await WireSocket.with(Int(lines[0]) ?? 0, lines[1]) { socket in
      var browser = Browser(socket: socket)
      try await browser.openTab(width: width, height: height)
      let value = try await body(&browser)
      try await browser.close()
      return value
    }
  }

  private init(socket: WireSocket) { self.socket = socket }

  private mutating func openTab(width: Int, height: Int) async throws {
    let target = try await call("Target.createTarget", ["url": "about:blank"])["targetId"] ?? ""
    tab = try await call("Target.attachToTarget", ["targetId": target, "flatten": true])["sessionId"] as? String
    for domain in ["Page", "Runtime", "Log", "Inspector"] { try await call(domain + ".enable") }
    try await resize(width: width, height: height)
  }

  /// Shows the page in a window, or on a telephone, of this size.
  mutating func resize(width: Int, height: Int, isMobile: Bool = false) async throws {
    try await call(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": isMobile ? 2 : 1, "mobile": isMobile])
  }

  mutating func open(_ url: String) async throws {
    if let problem = try await call("Page.navigate", ["url": url])["errorText"] {
      throw Failure(description: "\(url): \(problem)")
    }
    try await wait(for: "the page is loaded", "document.readyState === 'complete'")
  }

  /// What the page's scripts say of an expression, as text.
  mutating func evaluate(_ script: String) async throws -> String {
    let result = try await call("Runtime.evaluate", ["expression": "String(\(script))", "awaitPromise": true])
    if let problem = result["exceptionDetails"] { throw Failure(description: "\(script): \(problem)") }
    return (result["result"] as? [String: Any])?["value"] as? String ?? ""
  }

  /// Waits until an expression is true, and fails the test when that takes longer than `limit`.
  mutating func wait(for what: String, within limit: Duration = .seconds(20), _ script: String) async throws {
    let deadline = ContinuousClock.now + limit
    while try await evaluate(script) != "true" {
      guard ContinuousClock.now < deadline else {
        let text = try await evaluate("document.body.innerText")
        throw Failure(description: "not within \(limit): \(what); the console says \(complaints), the page:\n\(text)")
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  /// The text of the first element that a CSS selector finds.
  mutating func text(_ selector: String) async throws -> String {
    try await evaluate("document.querySelector('\(selector)').textContent")
  }

  /// Presses and releases the mouse's button where a user would.
  mutating func click(_ selector: String) async throws {
    let place = try await evaluate(
      """
      (() => { const element = document.querySelector('\(selector)'); element.scrollIntoView({ block: 'center' });
      const { x, y, width, height } = element.getBoundingClientRect(); const at = [x + width / 2, y + height / 2];
      return element.contains(document.elementFromPoint(...at)) ? at.join() : 'covered'; })()
      """)
    let numbers = place.split(separator: ",").compactMap { Double($0) }
    guard numbers.count == 2 else { throw Failure(description: "\(selector) cannot be clicked: \(place)") }
    for type in ["mousePressed", "mouseReleased"] {
      try await call(
        "Input.dispatchMouseEvent",
        ["type": type, "x": numbers[0], "y": numbers[1], "button": "left", "clickCount": 1])
    }
  }

  /// Writes into a field, instead of what stood there.
  mutating func type(_ text: String, into selector: String) async throws {
    try await click(selector)
    _ = try await evaluate("document.querySelector('\(selector)').select()")
    try await call("Input.insertText", ["text": text])
  }

  /// A picture of the window as a PNG; kept in the folder that RTX_SCREENSHOTS names, if it does.
  @discardableResult
  mutating func screenshot(_ name: String) async throws -> Data {
    let answer = try await call("Page.captureScreenshot", ["format": "png"])
    let picture = (answer["data"] as? String).flatMap { Data(base64Encoded: $0) }
    guard let picture else { throw Failure(description: "there is no picture") }
    if let folder = ProcessInfo.processInfo.environment["RTX_SCREENSHOTS"] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try picture.write(to: URL(fileURLWithPath: "\(folder)/\(name).png"))
    }
    return picture
  }

  /// Lets the browser end its own processes; whatever is left of it is killed.
  private mutating func close() async throws {
    tab = nil
    try await call("Browser.close")
    let alarm = socket.hangUp(after: .seconds(5))
    defer { alarm.cancel() }
    while try await socket.next() != .ended {}
  }

  @discardableResult
  private mutating func call(_ method: String, _ parameters: [String: Any] = [:]) async throws -> [String: Any] {
    // A browser that says nothing any more ends the test, and does not hold it.
    let alarm = socket.hangUp(after: Self.patience)
    defer { alarm.cancel() }
    lastId += 1
    var message: [String: Any] = ["id": lastId, "method": method, "params": parameters]
    message["sessionId"] = tab
    try await socket.send(String(decoding: JSONSerialization.data(withJSONObject: message), as: UTF8.self))
    while true {
      guard case .text(let text) = try await socket.next() else {
        let limit = Self.patience.nanoseconds / 1_000_000_000
        throw Failure(description: "\(method) \(parameters): no answer within \(limit) s; console: \(complaints)")
      }
      let answer = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
      note(answer)
      guard answer["id"] as? Int == lastId else { continue }
      if let error = answer["error"] { throw Failure(description: "\(method): \(error)") }
      return answer["result"] as? [String: Any] ?? [:]
    }
  }

  private mutating func note(_ event: [String: Any]) {
    let details = event["params"] as? [String: Any] ?? [:]
    switch event["method"] as? String {
    case "Inspector.targetCrashed": complaints.append("the tab crashed")
    case "Runtime.exceptionThrown": complaints.append("\(details["exceptionDetails"] ?? "")")
    case "Runtime.consoleAPICalled":
      if ["error", "assert"].contains(details["type"] as? String) { complaints.append("\(details["args"] ?? "")") }
    case "Log.entryAdded":
      let entry = details["entry"] as? [String: Any] ?? [:]
      if entry["level"] as? String == "error" {
        complaints.append("\(entry["text"] ?? "") \(entry["url"] ?? "")")
      }
    default: break
    }
  }
}
