"""Prints what the strategies came to side by side, then a line for each figure: table.py FOLDER STRATEGY..."""
import json
import sys

folder, strategies = sys.argv[1], sys.argv[2:]
PREFIXES = {"bluegreen": "", "rolling": "rolling_", "flip": "flip_"}
TITLES = {"bluegreen": "BlueGreen", "rolling": "RollingUpdate", "flip": "selector flip"}


def column(strategy):
    with open(f"{folder}/{strategy}.json") as file:
        load = json.load(file)
    with open(f"{folder}/{strategy}.times") as file:
        times = dict(line.split() for line in file)
    orders, sockets = load["orders"], load.get("webSockets") or {}
    broken = sum(len(orders[kind]) for kind in ("lost", "doubled", "differing", "contradicted"))
    return {
        "orders": orders["sent"],
        "failed_requests": sum(load["troubles"].values()),
        "lost_or_doubled_orders": broken + orders["unknown"],
        "order_p99_ms": round(load["endpoints"][0]["p99Ms"], 1),
        "order_max_ms": round(load["endpoints"][0]["maxMs"], 1),
        "ws_cut": sum(sockets.get("ended", {}).values()),
        "ws_lost": sum(n for end, n in sockets.get("ended", {}).items() if end != "close 1001"),
        "ws_back_p50_s": round(sockets.get("reconnectP50Ms", 0) / 1000, 3),
        "ws_back_worst_s": round(sockets.get("reconnectMaxMs", 0) / 1000, 3),
        "ws_gaps": sockets.get("gaps", 0) + sockets.get("unfilledGaps", 0),
        **times,
        "troubles": load["troubles"],
    }


columns = {strategy: column(strategy) for strategy in strategies}
ROWS = [
    ("orders sent", "orders"),
    ("requests that failed or were cut", "failed_requests"),
    ("orders lost, doubled or unknown", "lost_or_doubled_orders"),
    ("orders, p99, ms", "order_p99_ms"),
    ("orders, longest, ms", "order_max_ms"),
    ("WebSockets cut", "ws_cut"),
    ("of these, without being told", "ws_lost"),
    ("back after, median, s", "ws_back_p50_s"),
    ("back after, worst, s", "ws_back_worst_s"),
    ("gaps in what they were told", "ws_gaps"),
    ("switch, median, s", "switch_p50_s"),
    ("switch, p99, s", "switch_p99_s"),
    ("rollback, median, s", "rollback_p50_s"),
    ("rollback, p99, s", "rollback_p99_s"),
    ("releases that ended otherwise", "unplanned"),
]
print(f"{'':34}" + "".join(f"{TITLES[strategy]:>15}" for strategy in strategies))
for title, key in ROWS:
    print(f"{title:34}" + "".join(f"{columns[strategy][key]:>15}" for strategy in strategies))
for strategy in strategies:
    for what, count in sorted(columns[strategy]["troubles"].items()):
        print(f"  {TITLES[strategy]}: {count} x {what}")
print()
FIGURES = [
    ("failed_requests", "requests"),
    ("lost_or_doubled_orders", "orders"),
    ("ws_back_worst_s", "s"),
    ("switch_p99_s", "s"),
    ("rollback_p99_s", "s"),
]
for strategy in strategies:
    for name, unit in FIGURES:
        print(f"figure {PREFIXES[strategy]}{name} {columns[strategy][name]} {unit}")
