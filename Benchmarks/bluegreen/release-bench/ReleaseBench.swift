import ArgumentParser
import FoundationEssentials
import Glibc
import KubernetesClient

/// Releases and rolls back a platform's trading servers again and again in one of three ways, and measures how long the
/// requests take to move.
@main
struct ReleaseBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release-bench", abstract: "Measures releases and rollbacks, by KUBECONFIG.",
    subcommands: [Prepare.self, Drive.self])

  struct Course: ParsableArguments {
    @Argument(help: "bluegreen, rolling or flip.")
    var strategy: Strategy

    @Option(help: "The RTXPlatform.")
    var platform = "trading"

    @Option(help: "Its namespace.")
    var namespace = "rtx-trading"

    @Option(name: .customLong("image"), help: "Twice: the two images that take turns.")
    var images: [String]

    @Option(help: "Seconds for anything to happen before it is given up.")
    var patience = 180

    func validate() throws {
      guard images.count == 2, images[0] != images[1] else { throw ValidationError("--image is given twice") }
    }

    func withDriver(_ body: (any ReleaseDriver) async throws -> Void) async throws {
      let client = try KubernetesClient(configuration: .inferred())
      let place = Place(
        client: client, namespace: namespace, platform: platform, images: images, patience: .seconds(patience))
      let driver: any ReleaseDriver =
        switch strategy {
        case .bluegreen: BlueGreenDriver(place: place)
        case .rolling: RollingDriver(place: place)
        case .flip: FlipDriver(place: place)
        }
      do {
        try await body(driver)
      } catch {
        say("\(error)")
        throw ExitCode.failure
      }
      try await client.shutdown()
    }
  }
}

/// How a new version takes the requests.
enum Strategy: String, ExpressibleByArgument, CaseIterable {
  case bluegreen, rolling, flip
}

/// Brings the trading servers into the state from which releases are measured, and prints the live Service's address.
struct Prepare: AsyncParsableCommand {
  @OptionGroup var course: ReleaseBench.Course

  func run() async throws {
    try await course.withDriver { driver in
      try await driver.prepare()
      print(try await driver.address())
    }
  }
}

/// Releases and rolls back, and prints `name value` lines.
struct Drive: AsyncParsableCommand {
  @OptionGroup var course: ReleaseBench.Course

  @Option(help: "So many releases, and so many rollbacks.")
  var releases = 50

  func run() async throws {
    try await course.withDriver { driver in
      let watch = EndpointWatch(
        client: driver.place.client, namespace: driver.place.namespace, service: driver.serviceName)
      let following = Task { try await watch.run() }
      defer { following.cancel() }
      var times = ReleaseTimes()
      for number in 1...releases {
        let seen = try await driver.cycle(watch)
        times.add(seen)
        say(
          "\(course.strategy.rawValue) \(number) of \(releases): "
            + "switch \(seen.switches.map { millisecondsText($0) }.joined(separator: ", ")), "
            + "rollback \(millisecondsText(seen.rollback))"
            + (seen.unplanned.isEmpty ? "" : "; unplanned: \(seen.unplanned.joined(separator: "; "))"))
      }
      print(times.report)
    }
  }
}

/// For people.
func say(_ text: String) {
  let bytes = Array("  \(text)\n".utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
}

struct BenchFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
