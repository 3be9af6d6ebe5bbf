import KubernetesModels

/// How a command is to be run in a container (core/v1 PodExecOptions).
public struct ExecOptions: Sendable, Hashable {
  /// The container; needed when the pod has more than one.
  public var container: String?
  /// Whether the command gets an input to write to.
  public var input: Bool
  /// Whether it gets a terminal; standard error then comes with the output.
  public var terminal: Bool
  /// Whether standard output is wanted.
  public var standardOutput: Bool
  /// Whether standard error is wanted.
  public var standardError: Bool

  /// Makes options; by default both outputs and no input.
  public init(
    container: String? = nil, input: Bool = false, terminal: Bool = false, standardOutput: Bool = true,
    standardError: Bool = true
  ) {
    self.container = container
    self.input = input
    self.terminal = terminal
    self.standardOutput = standardOutput
    self.standardError = standardError
  }

  var query: [(name: String, value: String)] {
    queryItems([
      ("container", container), ("stdin", input ? "true" : nil), ("stdout", standardOutput ? "true" : nil),
      ("stderr", standardError && !terminal ? "true" : nil), ("tty", terminal ? "true" : nil),
    ])
  }
}

/// What a command printed, and how it ended.
public struct CommandResult: Sendable, Hashable {
  /// How it ended.
  public var exit: ProcessExit
  /// Its standard output.
  public var standardOutput: [UInt8]
  /// Its standard error.
  public var standardError: [UInt8]

  /// The standard output as text.
  public var outputText: String { String(decoding: standardOutput, as: UTF8.self) }
  /// The standard error as text.
  public var errorText: String { String(decoding: standardError, as: UTF8.self) }
}
