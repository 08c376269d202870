"""The runner whose disk has room when it begins, and too little as soon as the build runs."""

from __future__ import annotations

from infra.embedded.process import runner


def main(directory: str, descriptor: str) -> None:
    runner.LEAST_FREE = 1 << 60
    runner.main(directory, descriptor)
