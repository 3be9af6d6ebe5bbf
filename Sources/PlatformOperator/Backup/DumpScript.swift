/// The shell program that the dump's pod runs.
///
/// A dump gets its name only when it is proven: written to the end, not empty, its table of contents readable, at least
/// one table's data in it, its checksum beside it. Old dumps go only after a new one is there, and the newest proven
/// one never goes.
enum DumpScript {
  static let text = #"""
    #!/bin/bash
    set -euo pipefail
    cd /backup
    umask 077

    # One dump at a time: a release may ask for one while the schedule's runs.
    exec 9>>.lock
    flock 9
    # Also what an earlier run left when it was killed.
    rm -f -- *.partial
    trap 'rm -f -- *.partial' EXIT

    name="${PGDATABASE}_$(date -u +%Y%m%d_%H%M%S).dump"
    partial="$name.partial"
    pg_dump --format=custom --compress=6 --file="$partial"

    [ -s "$partial" ] || { echo "the dump is empty" >&2; exit 1; }
    contents=$(pg_restore --list "$partial")
    wanted=$(psql -XAtc "select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')")
    found=$(grep -c ' TABLE DATA ' <<<"$contents" || true)
    [ "$found" -gt 0 ] || [ "$wanted" -eq 0 ] || { echo "the dump holds no table of $wanted" >&2; exit 1; }
    # Reads every block of data, and so finds one that is broken.
    pg_restore --file=/dev/null "$partial"

    sync "$partial"
    sum=$(sha256sum "$partial" | cut -d' ' -f1)
    printf '%s  %s\n' "$sum" "$name" > "$name.sha256.partial"
    mv -- "$name.sha256.partial" "$name.sha256"
    mv -- "$partial" "$name"
    sync .
    echo "proven dump $name: $(stat -c %s "$name") bytes, $found tables, sha256 $sum"

    find . -maxdepth 1 -name '*.dump' -mtime "+$((RETENTION_DAYS - 1))" ! -name "$name" -print | while read -r old; do
      rm -f -- "$old" "$old.sha256"
      echo "removed $old, older than $RETENTION_DAYS days"
    done

    """#
}
