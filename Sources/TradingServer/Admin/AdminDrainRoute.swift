import Hummingbird
import Logging

/// How a blue-green release empties the colour that it may still have to go back to: its clients leave, it stays ready.
///
/// It ends by itself, so that a caller who dies leaves nothing behind; who wants it longer calls again, and who wants it no
/// more calls with 0 seconds.
struct AdminDrainRoute: Sendable {
  let readiness: Readiness
  let sendStreamsAway: @Sendable (Duration) -> Void

  /// Seconds over which WebSocket clients are sent away.
  private static let spread: Int64 = 5

  func register(on router: some RouterMethods<TradingContext>) {
    router.post("/admin/drain") { request, context in
      let seconds = try request.number("seconds", default: 30, in: 0...300)
      readiness.sendClientsAway(until: .now + .seconds(seconds))
      if seconds > 0 { sendStreamsAway(.seconds(min(seconds, Self.spread))) }
      context.logger.notice("clients are sent to other replicas", metadata: ["seconds": "\(seconds)"])
      return Response(status: .noContent)
    }
  }
}
