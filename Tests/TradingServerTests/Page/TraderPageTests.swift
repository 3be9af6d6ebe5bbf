import Foundation
import Testing
import TradingCore
import TradingStore

@testable import TradingServer

/// The page as a trader sees it, in a real browser. With RTX_SCREENSHOTS=<folder> the pictures are kept.
@Suite(
  .enabled(
    if: Browser.isInstalled, "a browser is missing; install it with: apt-get install chromium, or as root: hack/test"))
struct TraderPageTests {
  private func withPage(
    environment: [String: String] = [:], prepare: (_ port: Int) async throws -> Void = { _ in },
    _ body: (inout Browser, _ port: Int) async throws -> Void
  ) async throws {
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    try await addHistory(postgres)
    let redis = try RedisServer()
    try await redis.waitUntilReady()
    try await withServer(postgres: postgres, redis: redis.settings, environment: environment) { port, _ in
      try await waitUntilReady(port)
      try await prepare(port)
      try await Browser.with { browser in
        try await browser.open("http://127.0.0.1:\(port)/")
        try await body(&browser, port)
      }
    }
  }

  /// Four hours of ticks that lead to the price at which the simulated market begins.
  private func addHistory(_ postgres: PostgresSettings) async throws {
    let pool = PostgresPool(settings: postgres, size: 1, logger: quietLogger)
    let store = TickStore(pool: pool)
    let process = SimulatedPriceProcess(
      seed: 3, instruments: [try #require(InstrumentCatalog.standard[Symbol("EURUSD")])])
    let now = Timestamp.now.milliseconds
    var snapshot = process.initial(at: Timestamp(milliseconds: now))
    var ticks: [RecordedTick] = []
    for second in stride(from: Int64(10), through: 14_400, by: 10) {
      snapshot = process.next(after: snapshot, at: snapshot.time)
      ticks.append(RecordedTick(snapshot.quotes[0], at: Timestamp(milliseconds: now - second * 1_000)))
    }
    try await store.maintain(deadline: .now + .seconds(20))
    try await store.append(ticks, deadline: .now + .seconds(20))
    await pool.shutdown()
  }

  @Test func aTraderWatchesPricesOpensAPositionAndClosesIt() async throws {
    try await withPage { browser, port in
      // Prices move, and the chart shows what was before the page was opened and goes on.
      try await browser.wait(for: "the stream is live", "document.querySelector('#link').className === 'on'")
      let bid = "document.querySelector('#symbols tr').cells[1].textContent"
      let before = try await browser.evaluate(bid)
      try await browser.wait(for: "the first symbol ticks", "\(bid) !== '\(before)'")
      try await browser.wait(for: "old candles are drawn", "+document.querySelector('#canvas').dataset.candles > 50")
      let colors = try await browser.evaluate(
        """
        (() => { const canvas = document.querySelector('#canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set(); for (let i = 0; i < data.length; i += 4) seen.add(data.slice(i, i + 3).join());
        return seen.has('38,179,138') && seen.has('240,97,109'); })()
        """)
      #expect(colors == "true", "rising and falling candles are drawn in their colours")

      // Buys by the ticket.
      try await browser.wait(for: "the account is shown", "document.querySelector('#balance').textContent !== '–'")
      try await browser.type("0.25", into: "#volume")
      try await browser.click("#buy")
      try await browser.wait(for: "a position is open", "document.querySelectorAll('#trades tr').length === 1")
      #expect(try await browser.text("#answer").hasPrefix("Bought 0.25 EURUSD at "))
      #expect(try await browser.text("#trade-count") == "1")
      let row = try await browser.text("#trades tr")
      #expect(row.contains("EURUSD") && row.contains("buy") && row.contains("0.25"))
      let equity = try await browser.text("#equity")
      try await browser.wait(
        for: "the equity follows the price", "document.querySelector('#equity').textContent !== '\(equity)'")
      #expect(try await WireClient.request(port, "GET", "/api/trades").body.contains(#""volume":"0.25""#))

      // An order that waits.
      try await browser.click("[data-type=limit]")
      try await browser.type("1.05000", into: "#price")
      try await browser.click("#buy")
      try await browser.wait(for: "an order waits", "document.querySelector('#order-count').textContent === '1'")
      try await browser.screenshot("trading-page")
      try await browser.click("[data-tab=orders]")
      try await browser.click("#orders button")
      try await browser.wait(for: "it is cancelled", "document.querySelector('#order-count').textContent === '0'")

      try await browser.click("[data-tab=trades]")
      try await browser.click("#trades button")
      try await browser.wait(for: "nothing is open", "document.querySelectorAll('#trades tr').length === 0")
      try await browser.click("[data-tab=history]")
      try await browser.wait(
        for: "the history shows it", "document.querySelector('#history').textContent.includes('close')")
      #expect(try await WireClient.request(port, "GET", "/api/trades").body.contains(#""trades":[]"#))
      #expect(browser.complaints == [])
    }
  }

  @Test func everythingCanBeReachedOnATelephone() async throws {
    try await withPage { browser, _ in
      try await browser.resize(width: 390, height: 844, isMobile: true)
      try await browser.wait(for: "the stream is live", "document.querySelector('#link').className === 'on'")
      try await browser.wait(for: "old candles are drawn", "+document.querySelector('#canvas').dataset.candles > 20")
      try await browser.click("#sell")
      try await browser.wait(for: "a position is open", "document.querySelectorAll('#trades tr').length === 1")
      #expect(try await browser.evaluate("document.documentElement.scrollWidth") == "390", "nothing sticks out")
      let isWhole = "(box => box.scrollWidth <= box.clientWidth)(document.querySelector('.scroll'))"
      #expect(try await browser.evaluate(isWhole) == "true", "the button that closes a position is in sight")
      _ = try await browser.evaluate("scrollTo(0, 0)")
      try await browser.screenshot("trading-page-telephone")
      _ = try await browser.evaluate("scrollTo(0, document.body.scrollHeight)")
      try await browser.screenshot("trading-page-telephone-end")
      try await browser.click("#trades button")
      try await browser.wait(for: "it is closed", "document.querySelectorAll('#trades tr').length === 0")
      #expect(browser.complaints == [])
    }
  }

  @Test func aTraderLogsInStaysKnownAndLogsOut() async throws {
    let environment = [
      "JWT_SECRET": "a secret of tests, long enough for it", "DEMO_ACCESS": "closed",
      "ADMIN_PASSWORD_HASH": try await PasswordHasher(cost: 4).hash("open sesame"),
    ]
    try await withPage(environment: environment, prepare: openAccountOfAlice) { browser, _ in
      let isAsked = "document.querySelector('#log-in-dialog').open"
      try await browser.wait(for: "a stranger is asked who they are", isAsked)
      try await browser.type("alice", into: "#login")
      try await browser.type("wrong horse", into: "#password")
      try await browser.click("#log-in-form .main")
      try await browser.wait(
        for: "the mistake is explained", "document.querySelector('#log-in-error').textContent.includes('wrong')")
      try await browser.type("correct horse", into: "#password")
      try await browser.click("#log-in-form .main")
      let isAlice = "document.querySelector('#account').textContent.startsWith('alice')"
      try await browser.wait(for: "her account is shown", isAlice)
      try await browser.click("#buy")
      try await browser.wait(for: "a position is open", "document.querySelectorAll('#trades tr').length === 1")

      // Shortly before the token expires the page gets another one.
      let token = try await browser.evaluate("sessionStorage.getItem('token')")
      _ = try await browser.evaluate("(sessionStorage.setItem('renewAt', 1), location.reload())")
      try await browser.wait(for: "the token is renewed", "sessionStorage.getItem('token') !== '\(token)'")
      try await browser.wait(for: "she is still known", isAlice)
      try await browser.wait(for: "the stream is live", "document.querySelector('#link').className === 'on'")
      #expect(try await browser.evaluate(isAsked) == "false")

      try await browser.click("#log-out")
      try await browser.wait(for: "she is asked again", isAsked)
      #expect(try await browser.evaluate("sessionStorage.getItem('token')") == "null")
      // The browser itself shows each refusal in red.
      #expect(browser.complaints.filter { !$0.contains("status of 401") } == [])
    }
  }

  private func openAccountOfAlice(_ port: Int) async throws {
    let body = #"{"login":"admin","password":"open sesame"}"#
    let session = try await WireClient.request(port, "POST", "/api/session", body: body)
    let admin = ["Authorization: Bearer \(try session.json("accessToken") ?? "")"]
    for (path, body) in [
      ("/admin/accounts", #"{"accountId":"alice","password":"correct horse"}"#),
      ("/admin/accounts/alice/funding", #"{"amount":"10000.00","reference":"w-1"}"#),
    ] { #expect(try await WireClient.request(port, "POST", path, body: body, headers: admin).status == 201) }
  }
}
