"""Misses and false alarms of the checks, per question, on mixtures of malicious and benign patterns.

    python benchmarks/questions.py [seeds] > table.md

A miss is a planted yes that the card does not answer with yes; a false alarm is a yes where no or unknown was planted;
an open answer is an unknown for a planted yes or no. A false doubt is a plain answer where only unknown is right.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd

import oktakit as ok
from oktakit.checks.exports import check_exports
from oktakit.checks.feedback import check_feedback
from oktakit.samples.scenarios import mixture

COUNTS = ("planted yes", "misses", "planted no", "false alarms", "left open", "planted unknown", "overconfident")


def answers(seed: int) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield kind, uuid, question, the planted answer and the card's answer, for everything planted in a mixture."""
    made = mixture(seed)
    events = ok.read_log(made.records).events
    card = pd.concat([check_exports(events), check_feedback(events)])
    said = card.set_index(["subject", "key"])["answer"].to_dict()
    for facts in made.truth["planted"]:
        for uuid in facts["subjects"]:
            for key, planted in facts["expect"].items():
                yield facts["kind"], uuid, key, planted, said[uuid, key]


def judge(planted: str, said: str) -> list[str]:
    """Return what an answer counts as."""
    counts = [f"planted {planted}"]
    if planted == "yes" and said != "yes":
        counts.append("misses")
    if planted != "yes" and said == "yes":
        counts.append("false alarms")
    if planted != "unknown" and said == "unknown":
        counts.append("left open")
    if planted == "unknown" and said == "no":
        counts.append("overconfident")
    return counts


def table(found: Counter[tuple[str, str]]) -> str:
    """Return the counts per question as a Markdown table."""
    keys = list(dict.fromkeys(key for key, _ in found))
    lines = [f"| question | {' | '.join(COUNTS)} |", "|---" + "|--:" * len(COUNTS) + "|"]
    lines += [f"| {key} | {' | '.join(str(found[key, name]) for name in COUNTS)} |" for key in sorted(keys)]
    return "\n".join(lines)


def main(seeds: int) -> None:
    """Print the table, and every answer that is not the planted one to the error stream."""
    found: Counter[tuple[str, str]] = Counter()
    start: Any = time.perf_counter()
    for seed in range(seeds):
        for kind, uuid, key, planted, said in answers(seed):
            found.update((key, name) for name in judge(planted, said))
            if planted != said:
                print(f"seed {seed}: {kind} {uuid}: {key} is {said}, planted {planted}", file=sys.stderr)
    print(table(found))
    print(f"\n{seeds} mixtures, {time.perf_counter() - start:.0f} s with making and reading them.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
