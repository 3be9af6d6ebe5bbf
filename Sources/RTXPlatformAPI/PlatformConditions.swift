/// Types of the conditions in a platform's status.
public enum ConditionType: String, Sendable, CaseIterable {
  /// The platform serves (kstatus: "Ready").
  case ready = "Ready"
  /// The operator is still at it (kstatus).
  case reconciling = "Reconciling"
  /// Nothing will happen before the user acts (kstatus).
  case stalled = "Stalled"
  case namespaceReady = "NamespaceReady"
  case configurationReady = "ConfigurationReady"
  case networkReady = "NetworkReady"
  case postgresReady = "PostgresReady"
  case redisReady = "RedisReady"
  case backupReady = "BackupReady"
  case backendReady = "BackendReady"
  /// What the spec asks for is what serves; only with the strategy BlueGreen.
  case released = "Released"
}

/// Reasons of conditions: CamelCase, for machines. The message beside it is for people.
public enum ConditionReason: String, Sendable {
  case available = "Available"
  case progressing = "Progressing"
  case notNeeded = "NotNeeded"
  case external = "External"
  case disabled = "Disabled"
  case scheduled = "Scheduled"
  case succeeded = "Succeeded"
  /// The operator ran into an error that it will retry.
  case retrying = "Retrying"
  case waiting = "WaitingForDependency"
  case degraded = "Degraded"
  case noPrimary = "NoPrimary"
  case notReplicating = "NotReplicating"
  case dumpFailed = "DumpFailed"
  case rolloutFailed = "RolloutFailed"
  /// A release is under way.
  case releasing = "Releasing"
  case awaitingApproval = "AwaitingApproval"
  /// The release before serves on; the failed one is not tried again by itself.
  case releaseFailed = "ReleaseFailed"
  case invalidSpec = "InvalidSpec"
  case missingCredentials = "MissingCredentials"
  /// An object of the wanted name belongs to somebody else.
  case nameConflict = "NameConflict"
  /// The API server does not take what the operator wants to write.
  case refused = "Refused"
  case paused = "Paused"
  case deleting = "Deleting"
}

/// Values of `status.phase`.
public enum PlatformPhase: String, Sendable {
  case progressing = "Progressing"
  case ready = "Ready"
  case degraded = "Degraded"
  case stalled = "Stalled"
  case paused = "Paused"
  case deleting = "Deleting"
}
