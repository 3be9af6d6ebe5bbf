import NIOCore
import NIOPosix
import Testing

@testable import TradingLoad

/// Clients of /ws that are cut off.
@Suite struct FeedClientTests {
  /// What one client, a follower, has seen when it has subscribed three times.
  private func figures(_ habit: FeedServer.Habit, sources: [String] = []) async throws -> (
    figures: WebSocketFigures, seen: [String]
  ) {
    let server = FeedServer(habit)
    return try await server.run { port in
      var options = LoadOptions(
        targets: [try #require(Target("127.0.0.1:\(port)"))],
        arrivals: ArrivalSchedule(rate: 1, duration: .seconds(1), spacing: .uniform, seed: 1), prefix: "t")
      options.webSockets = 1
      options.followers = 1
      options.silenceLimit = .milliseconds(200)
      options.sources = try sources.map { try SocketAddress(ipAddress: $0, port: 0) }
      let feed = FeedClients(
        options, token: SessionToken(nil), group: MultiThreadedEventLoopGroup.singleton, tls: nil)
      let figures = await feed.run {
        let deadline = ContinuousClock.now + .seconds(20)
        while server.seen.count < 3, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(5)) }
      }.figures
      #expect(server.seen.count >= 3)
      return (try #require(figures), server.seen)
    }
  }

  @Test func aFollowerResumesWhereItWas() async throws {
    let (figures, seen) = try await figures(.sendsAway)
    #expect(figures.unfilledGaps == 0)
    #expect(figures.transactions >= 6)
    #expect(figures.ended["close 1001"] ?? 0 >= 2)
    #expect(!seen[0].contains("since") && seen[1].contains(#""since":"3""#) && seen[2].contains(#""since":"6""#))
  }

  @Test func whatIsLeftOutIsCounted() async throws {
    #expect(try await figures(.forgets).figures.unfilledGaps >= 1)
  }

  /// The connection stands, but it is dead: the client has been away since it last heard anything.
  @Test func aSilentConnectionIsGivenUp() async throws {
    let (figures, _) = try await figures(.fallsSilent)
    #expect(figures.ended["silence"] ?? 0 >= 2)
    #expect(figures.reconnectMaxMs >= 200)
  }

  @Test func connectionsComeFromTheAddressesThatAreNamed() async throws {
    // All of 127.0.0.0/8 is this machine (RFC 1122, section 3.2.1.3).
    #expect(try await figures(.sendsAway, sources: ["127.0.0.7"]).figures.transactions >= 6)
  }
}
