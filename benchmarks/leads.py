"""Which planted stories `find_leads` puts first, and which ordinary ones, on mixtures of malicious and benign patterns.

    python benchmarks/leads.py [seeds] > table.md

A malicious plant is found when each of its exports or verdicts is in a lead that needs a look and whoever did it is
named in the headline.
"""

import sys
import time
from collections import Counter
from typing import Any

import oktakit as ok
from oktakit.samples.patterns import PATTERNS
from oktakit.samples.scenarios import make_log, mixture

QUIET = ((1, 20_000), (2, 20_000), (1, 80_000))
"""Seeds and sizes of months in which nothing happened."""
MALICIOUS = {kind for kind, pattern in PATTERNS.items() if pattern.malicious}


def judge(seed: int) -> Counter[tuple[str, str]]:
    """Return how many plants and ordinary exports of a mixture there are, need a look and are left out."""
    made = mixture(seed)
    log = ok.read_log(made.records)
    leads = ok.find_leads(log)
    first = leads[leads["level"] == "needs a look"]
    chosen = {uuid: row.headline for row in first.itertuples() for uuid in f"{row.exports} {row.feedback}".split()}
    actors = log.events.set_index("uuid")["actor_alternate_id"]
    counts: Counter[tuple[str, str]] = Counter()
    planted: set[str] = set()
    for facts in made.truth["planted"]:
        kind, subjects = facts["kind"], facts["subjects"]
        planted |= {*facts["uuids"]["planted"]}
        seen = [uuid in chosen for uuid in subjects]
        named = all(uuid in chosen and actors[uuid] in chosen[uuid] for uuid in subjects)
        counts[kind, "planted"] += 1
        counts[kind, "needs a look"] += any(seen)
        counts[kind, "left out"] += kind in MALICIOUS and not named
        if named != (kind in MALICIOUS):
            print(f"seed {seed}: {kind} {'left out' if kind in MALICIOUS else 'needs a look'}", file=sys.stderr)
    downloads = log.events.loc[log.events["event_type"] == ok.DOWNLOAD, "uuid"]
    ordinary = [uuid for uuid in downloads if uuid not in planted]
    counts["ordinary exports", "planted"] += len(ordinary)
    counts["ordinary exports", "needs a look"] += sum(uuid in chosen for uuid in ordinary)
    counts["leads", "needs a look"] += len(first)
    return counts


def judge_quiet(seed: int, events: int) -> Counter[tuple[str, str]]:
    """Return how many exports of a quiet month there are and need a look."""
    log = ok.read_log(make_log("quiet_month", seed, events=events).records)
    leads = ok.find_leads(log)
    chosen = " ".join(leads.loc[leads["level"] == "needs a look", "exports"]).split()
    exports = len(ok.correlate_exports(log))
    return Counter(
        {("exports of quiet months", "planted"): exports, ("exports of quiet months", "needs a look"): len(chosen)}
    )


def table(found: Counter[tuple[str, str]]) -> str:
    """Return the counts as a Markdown table, malicious patterns first."""
    lines = ["| pattern | sort | planted | needs a look | left out |", "|---|---|--:|--:|--:|"]
    for kind in sorted(PATTERNS, key=lambda one: (one not in MALICIOUS, one)):
        sort = "malicious" if kind in MALICIOUS else "benign"
        lines.append(_line(kind, sort, [found[kind, name] for name in ("planted", "needs a look", "left out")]))
    for sort, kinds in (("malicious", MALICIOUS), ("benign", PATTERNS.keys() - MALICIOUS)):
        sums = [sum(found[kind, name] for kind in kinds) for name in ("planted", "needs a look", "left out")]
        lines.append(_line("all", sort, sums))
    for name in ("ordinary exports", "exports of quiet months"):
        lines.append(_line(name, "", [found[name, "planted"], found[name, "needs a look"], ""]))
    return "\n".join(lines)


def _line(name: str, sort: str, cells: list[Any]) -> str:
    return f"| {name} | {sort} | {' | '.join(f'{cell:,}' if cell != '' else '' for cell in cells)} |"


def main(seeds: int) -> None:
    """Print the table, and every plant on the wrong side to the error stream."""
    found: Counter[tuple[str, str]] = Counter()
    start = time.perf_counter()
    for seed in range(seeds):
        found += judge(seed)
    for size in QUIET:
        found += judge_quiet(*size)
    print(table(found))
    print(f"\n{seeds} mixtures, {found['leads', 'needs a look']} leads, {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
