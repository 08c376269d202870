"""`python -m bench [--quick] [rig …]`: measure, print, and keep under `bench/results`. `--quick` keeps nothing."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time

from bench import report

RIGS = ("requests", "latency", "acks", "swap", "scale_local", "memory", "build")
"""In this order: the quick ones come first. `bench.diagnosis` needs logs of its own and has a target of its own."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny counts: only shows that the rigs work")
    parser.add_argument("rig", nargs="*", help=f"of {', '.join(RIGS)}; all of them if none is named")
    asked = parser.parse_args()
    if unknown := [name for name in asked.rig if name not in RIGS]:
        parser.error(f"there is no rig {unknown[0]!r}; there are {', '.join(RIGS)}")
    for name in asked.rig or RIGS:
        began, load = time.monotonic(), os.getloadavg()[0]
        print(f"{name} …", file=sys.stderr, flush=True)
        found: report.Report = importlib.import_module(f"bench.{name}").run(report.Size(quick=asked.quick))
        words = report.text(name, found, load)
        print(words, flush=True)
        print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        if not asked.quick:
            report.keep(name, found, words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
