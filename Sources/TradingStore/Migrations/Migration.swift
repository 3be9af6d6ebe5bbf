/// One step of the schema, forwards and back.
public struct Migration: Sendable, Hashable {
  /// Counts from 1 without gaps.
  public let number: Int
  public let name: String
  /// SQL that makes the step; several statements, run in one transaction.
  public let up: String
  /// SQL that undoes it.
  public let down: String

  public init(number: Int, name: String, up: String, down: String) {
    self.number = number
    self.name = name
    self.up = up
    self.down = down
  }

  /// A fingerprint of the SQL (64-bit FNV-1a, in hex): tells an edited migration from the one that was applied.
  /// It guards against mistakes, not against attackers.
  public var checksum: String {
    let hash = (up + "\u{0}" + down).utf8.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension Migration {
  /// The schema of the trading database, oldest first. A migration that has been released is never edited.
  public static let all: [Migration] = [
    Migration(
      number: 1, name: "accounts",
      up: """
        CREATE TABLE accounts (
          account_id          text PRIMARY KEY,
          currency            text NOT NULL,
          created_at          timestamptz NOT NULL DEFAULT now(),
          last_transaction_id bigint NOT NULL DEFAULT 0 CHECK (last_transaction_id >= 0)
        );
        INSERT INTO accounts (account_id, currency) VALUES ('demo', 'USD');
        """,
      down: "DROP TABLE accounts;"),
    Migration(
      number: 2, name: "orders, fills and the ledger",
      up: """
        CREATE TABLE orders (
          account_id        text NOT NULL REFERENCES accounts,
          order_id          bigint NOT NULL,
          client_order_id   text NOT NULL,
          symbol            text NOT NULL,
          side              text NOT NULL CHECK (side IN ('buy', 'sell')),
          type              text NOT NULL,
          volume_hundredths bigint NOT NULL CHECK (volume_hundredths > 0),
          status            text NOT NULL,
          placed_at         timestamptz NOT NULL,
          receipt           text NOT NULL,
          PRIMARY KEY (account_id, order_id),
          CONSTRAINT orders_client_order_id_key UNIQUE (account_id, client_order_id)
        );
        CREATE TABLE fills (
          account_id        text NOT NULL,
          order_id          bigint NOT NULL,
          price_points      bigint NOT NULL CHECK (price_points > 0),
          price_digits      smallint NOT NULL,
          volume_hundredths bigint NOT NULL CHECK (volume_hundredths > 0),
          filled_at         timestamptz NOT NULL,
          PRIMARY KEY (account_id, order_id),
          FOREIGN KEY (account_id, order_id) REFERENCES orders
        );
        CREATE TABLE transactions (
          account_id        text NOT NULL REFERENCES accounts,
          transaction_id    bigint NOT NULL CHECK (transaction_id > 0),
          kind              text NOT NULL,
          order_id          bigint NOT NULL,
          created_at        timestamptz NOT NULL,
          PRIMARY KEY (account_id, transaction_id),
          FOREIGN KEY (account_id, order_id) REFERENCES orders
        );
        COMMENT ON COLUMN orders.receipt IS 'the answer that the client got, byte for byte';
        COMMENT ON COLUMN transactions.transaction_id IS 'counts from 1 without gaps in each account';
        """,
      down: "DROP TABLE transactions; DROP TABLE fills; DROP TABLE orders;"),
  ]
}
