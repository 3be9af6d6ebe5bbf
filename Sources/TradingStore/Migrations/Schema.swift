extension Migration {
  /// The schema of the trading database, oldest first. A migration that has been released is never edited.
  public static let all: [Migration] = [ledger, dealing, ticks]

  /// Ids are compared byte by byte, which is much cheaper than by a language's rules and the same on every server.
  ///
  /// Undoing it puts the tables aside under other names, and applying it again takes them back: a ledger is never dropped
  /// by a roll-back.
  private static let ledger = Migration(
    number: 1, name: "accounts, orders and the ledger",
    up: """
      DO $migration$
      DECLARE
        now_ms bigint := floor(extract(epoch FROM now()) * 1000);
      BEGIN
        IF to_regclass('retired_transactions') IS NOT NULL THEN
          ALTER TABLE retired_accounts RENAME TO accounts;
          ALTER TABLE retired_account_snapshots RENAME TO account_snapshots;
          ALTER TABLE retired_transactions RENAME TO transactions;
          ALTER TABLE retired_orders RENAME TO orders;
          RETURN;
        END IF;

        CREATE TABLE accounts (
          account_id          text COLLATE "C" PRIMARY KEY,
          shard               int NOT NULL,
          last_transaction_id bigint NOT NULL CHECK (last_transaction_id > 0),
          revision            bigint NOT NULL DEFAULT 0,
          is_active           boolean NOT NULL,
          settings            text NOT NULL,
          password_hash       text,
          created_at          timestamptz NOT NULL DEFAULT now()
        ) WITH (fillfactor = 70);
        CREATE INDEX accounts_active_idx ON accounts (shard) WHERE is_active;
        COMMENT ON COLUMN accounts.shard IS 'FNV-1a of account_id modulo the number of evaluator shards';
        COMMENT ON COLUMN accounts.revision IS
          'raised to keep a group of transactions whose outcome was looked up from being written late';
        COMMENT ON COLUMN accounts.is_active IS 'an order waits or a trade is open: prices can lead to something';
        COMMENT ON COLUMN accounts.settings IS 'the first line of the ledger';

        CREATE TABLE account_snapshots (
          account_id     text COLLATE "C" PRIMARY KEY,
          transaction_id bigint NOT NULL,
          state          text NOT NULL
        );
        COMMENT ON TABLE account_snapshots IS 'folds of the ledger up to transaction_id; only to save time';

        CREATE TABLE transactions (
          account_id     text COLLATE "C" NOT NULL,
          transaction_id bigint NOT NULL CHECK (transaction_id > 0),
          batch_id       bigint NOT NULL,
          time           timestamptz NOT NULL,
          kind           text NOT NULL,
          line           text NOT NULL,
          token          bigint NOT NULL,
          xid            xid8 NOT NULL DEFAULT pg_current_xact_id(),
          PRIMARY KEY (account_id, transaction_id)
        );
        CREATE INDEX transactions_xid_idx ON transactions (xid);
        COMMENT ON TABLE transactions IS 'the ledger; append-only';
        COMMENT ON COLUMN transactions.transaction_id IS 'counts from 1 without gaps in each account';
        COMMENT ON COLUMN transactions.line IS 'the whole transaction; everything else is derived from it';
        COMMENT ON COLUMN transactions.token IS 'names the group that was written together';
        COMMENT ON COLUMN transactions.xid IS 'lets replicas find what was committed since they last looked';

        CREATE TABLE orders (
          account_id      text COLLATE "C" NOT NULL,
          client_order_id text COLLATE "C" NOT NULL,
          order_id        bigint NOT NULL,
          status          text NOT NULL,
          receipt         text NOT NULL,
          PRIMARY KEY (account_id, client_order_id)
        );
        CREATE UNIQUE INDEX orders_order_id_idx ON orders (account_id, order_id);
        COMMENT ON COLUMN orders.order_id IS 'the transaction that created or rejected the order';
        COMMENT ON COLUMN orders.receipt IS 'the answer that the client got, byte for byte';

        INSERT INTO accounts (account_id, shard, last_transaction_id, is_active, settings) VALUES ('demo', 6, 2, false,
          format('1 1 %s CREATE account=demo currency=USD leverage=30 mode=HEDGING group= marginCall=100 stopOut=50 '
            'protected=1', now_ms));
        INSERT INTO transactions (account_id, transaction_id, batch_id, time, kind, line, token)
        SELECT 'demo', 1, 1, to_timestamp(now_ms / 1000.0), 'CREATE', settings, 0 FROM accounts
        UNION ALL
        SELECT 'demo', 2, 2, to_timestamp(now_ms / 1000.0), 'TRANSFER_FUNDS',
          format('2 2 %s TRANSFER_FUNDS amount=10000000 reason=CLIENT_FUNDING reference=opening balance=10000000', now_ms),
          0;
      END $migration$;
      """,
    down: """
      ALTER TABLE accounts RENAME TO retired_accounts;
      ALTER TABLE account_snapshots RENAME TO retired_account_snapshots;
      ALTER TABLE transactions RENAME TO retired_transactions;
      ALTER TABLE orders RENAME TO retired_orders;
      """)

  private static let dealing = Migration(
    number: 2, name: "groups, revoked tokens and evaluator shards",
    up: """
      CREATE TABLE groups (
        name    text PRIMARY KEY,
        markups jsonb NOT NULL DEFAULT '{}'
      );
      COMMENT ON COLUMN groups.markups IS 'points on each side of the quote by symbol';
      CREATE TABLE revoked_tokens (
        jti     text PRIMARY KEY,
        expires timestamptz NOT NULL
      );
      CREATE TABLE evaluator_shards (
        shard     int PRIMARY KEY,
        epoch     bigint NOT NULL DEFAULT 0,
        holder    text,
        expires   timestamptz NOT NULL DEFAULT '-infinity',
        watermark bigint
      ) WITH (fillfactor = 50);
      COMMENT ON COLUMN evaluator_shards.watermark IS 'milliseconds since 1970 up to which the holder has evaluated prices';
      INSERT INTO evaluator_shards (shard) SELECT generate_series(0, 15);
      """,
    down: "DROP TABLE evaluator_shards; DROP TABLE revoked_tokens; DROP TABLE groups;")
}
