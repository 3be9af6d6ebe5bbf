import ArgumentParser
import NIOCore
import TradingLoad

/// How much, how long, of what.
struct LoadArguments: ParsableArguments {
  @Option(name: .shortAndLong, help: "Requests a second, all servers together.")
  var rate = 10.0
  @Option(name: .shortAndLong, help: "Seconds during which requests start.")
  var duration = 10.0
  @Option(
    help: "poisson (as independent clients come) or uniform.",
    transform: { text in
      guard let spacing = ArrivalSpacing(rawValue: text) else { throw ValidationError("use poisson or uniform") }
      return spacing
    })
  var spacing = ArrivalSpacing.poisson
  @Option(help: "The same seed gives the same requests at the same moments.")
  var seed: UInt64 = 1
  @Option(
    help: ArgumentHelp(
      "What is asked, by weight: order=60,prices=30,... or mixed.",
      discussion: "Known are \(Operation.allCases.map(\.rawValue).joined(separator: ", "))."))
  var mix = "order"
  @Option(help: "Keep-alive connections to each server.")
  var connections = 64
  @Option(help: "Threads of the driver.")
  var threads = 2
  @Option(help: "Seconds until an answer counts as lost and the order is sent again.")
  var timeout = 5.0
  @Option(help: "Seconds from its start until an order counts as unknown.")
  var deadline = 30.0
  @Option(help: "Seconds after the end for what is unknown, and for reading the ledger.")
  var settle = 60.0
  @Option(name: .customLong("websockets"), help: "Clients of /ws, all symbols, that reconnect when they are cut off.")
  var webSockets = 0
  @Option(help: "How many of these also follow an account, and resume where they were after each interruption.")
  var followers = 0
  @Option(
    name: .customLong("source"),
    help: ArgumentHelp(
      "An address of this machine to connect from; may be repeated. Each account has one, in turn.",
      discussion: "Load balancers with session affinity tell clients by their address."))
  var sources: [String] = []

  func options(_ targets: [Target], prefix: String) throws -> LoadOptions {
    guard let mix = OperationMix(parsing: mix) else {
      throw ValidationError("--mix \"\(mix)\": write name=weight,name=weight; see --help for the names")
    }
    var options = LoadOptions(
      targets: targets,
      arrivals: ArrivalSchedule(
        rate: rate, duration: .milliseconds(Int64(duration * 1_000)), spacing: spacing, seed: seed),
      prefix: prefix)
    options.mix = mix
    options.connections = connections
    options.threads = threads
    options.attemptTimeout = .milliseconds(Int64(timeout * 1_000))
    options.orderDeadline = .milliseconds(Int64(deadline * 1_000))
    options.settleLimit = .milliseconds(Int64(settle * 1_000))
    options.webSockets = webSockets
    options.followers = followers
    options.sources = try sources.map { text in
      guard let address = try? SocketAddress(ipAddress: text, port: 0) else {
        throw ValidationError("--source \(text) is not an IP address")
      }
      return address
    }
    return options
  }

  func validate() throws {
    let seconds = [duration, timeout, deadline, settle]
    guard rate > 0, rate <= 1_000_000 else { throw ValidationError("--rate must be above 0 and at most 1000000") }
    guard seconds.allSatisfy({ (0.001...1_000_000).contains($0) }) else {
      throw ValidationError(
        "--duration, --timeout, --deadline and --settle must be above 0 and at most 1000000 seconds")
    }
    guard (0...webSockets).contains(followers) else {
      throw ValidationError("--followers is at most the number of --websockets")
    }
    guard (1...100_000).contains(connections), (1...64).contains(threads), (0...200_000).contains(webSockets) else {
      throw ValidationError("--connections must be 1 to 100000, --threads 1 to 64, --websockets 0 to 200000")
    }
  }
}
