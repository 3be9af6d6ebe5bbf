import ArgumentParser
import FoundationEssentials
import TradingLoad

/// Whose orders, and which.
struct OrderArguments: ParsableArguments {
  @Option(
    name: .customLong("account"), help: "An account to trade on; may be repeated. Default the login's, or demo.")
  var accounts: [String] = []
  @Option(
    help: """
      Log in with this login and the password in RTX_PASSWORD, and stay logged in however long the run takes. Orders go \
      to the account of the same name.
      """)
  var login: String?
  @Option(
    help: "A bearer token, instead of --login. Also read from RTX_TOKEN. It must not expire before the run is over.")
  var token: String?
  @Option(help: "Symbols to trade, with commas between; default all.")
  var symbols = ""
  @Option(help: "Lots of each order.")
  var volume = "0.01"
  @Option(help: "What client order ids begin with; default a new one each time.")
  var prefix: String?
  @Option(help: "Of a hundred acknowledged orders, how many are sent once more to see whether the answer is the same.")
  var `repeat` = 5.0

  func apply(to options: inout LoadOptions) throws {
    let environment = ProcessInfo.processInfo.environment
    if let login {
      guard let password = environment["RTX_PASSWORD"], !password.isEmpty else {
        throw ValidationError("--login \(login): set RTX_PASSWORD to the password")
      }
      options.credentials = LoadOptions.Credentials(login: login, password: password)
      options.accounts = [login]
    } else {
      options.token = token ?? environment["RTX_TOKEN"]
    }
    if !accounts.isEmpty { options.accounts = accounts }
    options.symbols = symbols.split(separator: ",").map { String($0) }
    options.volume = volume
    options.repeatPercent = `repeat`
  }

  func validate() throws {
    if login != nil, token != nil { throw ValidationError("use --login or --token, not both") }
    guard (0...100).contains(`repeat`) else { throw ValidationError("--repeat is a number from 0 to 100") }
    if let prefix, prefix.isEmpty || prefix.utf8.count > 40 {
      throw ValidationError("--prefix is 1 to 40 letters, digits and the characters . _ : -")
    }
  }
}
