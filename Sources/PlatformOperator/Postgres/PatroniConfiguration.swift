import KubernetesModels
import RTXPlatformAPI

/// What Patroni is told: in its file what belongs to a member, in its store what belongs to the whole cluster (Patroni:
/// "Patroni configuration").
struct PatroniConfiguration {
  static let directory = "/etc/patroni"
  static let file = "patroni.yml"
  static let bootstrapScript = "post-bootstrap.sh"
  static let dataDirectory = "/var/lib/postgresql/data/pgdata"
  static let socketDirectory = "/var/run/postgresql"

  let platform: RTXPlatform

  /// The member's file. Names, addresses and passwords come by environment. There is no `namespace` at the top: it would
  /// overrule the pod's own.
  var yaml: String {
    YAML.serialize([
      "scope": .string(platform.postgresScope),
      "restapi": ["listen": .string("0.0.0.0:\(PlatformPort.patroni)")],
      "kubernetes": [
        "use_endpoints": false,
        "labels": .object(platform.selectorLabels(.postgres).mapValues { .string($0) }),
        "scope_label": .string(PlatformConstants.scopeLabel),
        "role_label": .string(PlatformConstants.roleLabel),
        "leader_label_value": "primary",
        "follower_label_value": "replica",
        "standby_leader_label_value": "primary",
      ],
      "bootstrap": [
        "dcs": dynamic,
        "initdb": [["encoding": "UTF8"], ["locale": "C.UTF-8"], "data-checksums"],
        "post_bootstrap": .string("/bin/bash \(Self.directory)/\(Self.bootstrapScript)"),
      ],
      "postgresql": [
        "listen": .string("*:\(PlatformPort.postgres)"),
        "data_dir": .string(Self.dataDirectory),
        "bin_dir": "/usr/lib/postgresql/15/bin",
        "pgpass": "/tmp/pgpass",
        "use_unix_socket": false,
        // A new replica must not wait for minutes until the primary's next checkpoint is over (pg_basebackup: --checkpoint).
        "basebackup": ["checkpoint": "fast"],
        "parameters": ["unix_socket_directories": .string(Self.socketDirectory)],
        "pg_hba": .array(Self.hostBasedAuthentication.map { .string($0) }),
      ],
    ])
  }

  /// Who may log in from where. 127.0.0.1 has to be there: Patroni's own bootstrap logs in over it. Which pods reach the
  /// port at all is the NetworkPolicy's business.
  static let hostBasedAuthentication = [
    "local all all peer",
    "host all all 127.0.0.1/32 scram-sha-256",
    "host all all ::1/128 scram-sha-256",
    "host replication replicator all scram-sha-256",
    "host all all all scram-sha-256",
  ]

  /// The cluster's settings, in the annotation `config` of `<scope>-config`. Patroni reads the file's copy only when it
  /// makes a new database.
  var dynamic: JSONValue {
    let spec = platform.spec.postgres
    let clock = spec.failover
    return [
      "ttl": .integer(Int64(clock.ttlSeconds)),
      "loop_wait": .integer(Int64(clock.loopWaitSeconds)),
      "retry_timeout": .integer(Int64(clock.retryTimeoutSeconds)),
      // A primary that crashed hands over at once instead of recovering in place.
      "primary_start_timeout": 0,
      "maximum_lag_on_failover": 1_048_576,
      "synchronous_mode": .bool(spec.synchronous),
      // A primary that sees all its members goes on while the API server is away.
      "failsafe_mode": true,
      "postgresql": [
        "use_pg_rewind": true,
        "use_slots": true,
        "parameters": .object(parameters.mapValues { .string($0) }),
      ],
    ]
  }

  /// PostgreSQL's parameters: a quarter of the memory for its own cache (PostgreSQL: "Resource Consumption"), the rest
  /// as replication needs it; the user's above all.
  var parameters: [String: String] {
    let own = [
      "max_connections": "200",
      "max_wal_senders": "12",
      "max_replication_slots": "12",
      "wal_level": "replica",
      "wal_keep_size": "128MB",
      "wal_log_hints": "on",
      "hot_standby": "on",
      "password_encryption": "scram-sha-256",
      "shared_buffers": "\(sharedBuffersMegabytes)MB",
    ]
    return own.merging(platform.spec.postgres.parameters ?? [:]) { _, users in users }
  }

  private var sharedBuffersMegabytes: Int {
    let memory = platform.spec.postgres.resources.requests?["memory"]?.value ?? 0
    return max(32, memory / 4 / 1_048_576)
  }

  /// Makes the trading server's role and database, once, on the first primary. The password comes by environment and
  /// goes to the server in a statement that is not logged.
  static let postBootstrap = #"""
    #!/bin/bash
    set -euo pipefail
    psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --dbname="$1" <<'SQL'
    \getenv role RTX_DATABASE_USER
    \getenv password RTX_DATABASE_PASSWORD
    \getenv database RTX_DATABASE
    set log_statement = 'none';
    set log_min_error_statement = 'panic';
    select format('create role %I login password %L', :'role', :'password')
     where not exists (select from pg_roles where rolname = :'role')
    \gexec
    select format('create database %I owner %I', :'database', :'role')
     where not exists (select from pg_database where datname = :'database')
    \gexec
    SQL

    """#
}
