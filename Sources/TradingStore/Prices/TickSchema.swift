extension Migration {
  /// Ticks go to a hypertable where TimescaleDB can be had when this is applied, and to one native partition a day
  /// otherwise. Undoing it drops the ticks, which expire anyway, and keeps the candles aside.
  static let ticks = Migration(
    number: 3, name: "ticks and candles",
    up: """
      CREATE TABLE IF NOT EXISTS retired_candles (
        symbol text NOT NULL,
        start  timestamptz NOT NULL,
        open   bigint NOT NULL,
        high   bigint NOT NULL,
        low    bigint NOT NULL,
        close  bigint NOT NULL,
        volume bigint NOT NULL,
        PRIMARY KEY (symbol, start)
      );
      ALTER TABLE retired_candles RENAME TO candles;
      COMMENT ON TABLE candles IS 'a minute each, of bids in points; volume counts ticks';

      DO $migration$
      BEGIN
        IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') THEN
          BEGIN
            CREATE EXTENSION IF NOT EXISTS timescaledb;
            CREATE TABLE ticks (
              symbol text NOT NULL, time timestamptz NOT NULL, bid bigint NOT NULL, ask bigint NOT NULL,
              PRIMARY KEY (symbol, time)
            );
            PERFORM create_hypertable('ticks', 'time', chunk_time_interval => interval '1 day');
            RETURN;
          EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE 'TimescaleDB cannot be used: %', SQLERRM;
          END;
        END IF;
        CREATE TABLE ticks (
          symbol text NOT NULL, time timestamptz NOT NULL, bid bigint NOT NULL, ask bigint NOT NULL,
          PRIMARY KEY (symbol, time)
        ) PARTITION BY RANGE (time);
      END $migration$;
      COMMENT ON TABLE ticks IS 'quotes as the price leader published them, in points';

      CREATE FUNCTION maintain_ticks(tick_days int, candle_days int) RETURNS void LANGUAGE plpgsql AS $function$
      DECLARE
        today date := (now() AT TIME ZONE 'UTC')::date;
        part record;
      BEGIN
        PERFORM pg_advisory_xact_lock(7999150002);
        IF (SELECT relkind FROM pg_class WHERE oid = 'ticks'::regclass) = 'p' THEN
          FOR day IN -1..2 LOOP
            EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF ticks FOR VALUES FROM (%L) TO (%L)',
              'ticks_' || to_char(today + day, 'YYYYMMDD'), (today + day)::text || ' 00:00:00+00',
              (today + day + 1)::text || ' 00:00:00+00');
          END LOOP;
          FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'ticks'::regclass AND c.relname < 'ticks_' || to_char(today - tick_days, 'YYYYMMDD')
          LOOP
            EXECUTE format('DROP TABLE %I', part.relname);
          END LOOP;
        ELSE
          EXECUTE format('SELECT drop_chunks(''ticks'', older_than => interval ''%s days'')', tick_days);
        END IF;
        DELETE FROM candles WHERE start < now() - make_interval(days => candle_days);
      END $function$;
      """,
    down: """
      DROP FUNCTION maintain_ticks(int, int);
      DROP TABLE ticks;
      ALTER TABLE candles RENAME TO retired_candles;
      """)
}
