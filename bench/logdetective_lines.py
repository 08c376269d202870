"""The line numbers that logdetective's extractor keeps of a log; `bench.diagnosis` runs this with its interpreter.

A request is a line of JSON, `{"text": ..., "budget": lines}`; the answer a line of JSON, the numbers.
"""

import importlib
import json
import sys


def lines(text: str, budget: int) -> list[int]:
    """Its snippets, one for each cluster, and of those the last that fit the budget: logs end in their failure."""
    extractors = importlib.import_module("logdetective.extractors")
    text = "\n".join(" ".join(line.splitlines()) for line in text.split("\n"))  # it would count those as lines
    numbers: list[int] = []
    for first, snippet in extractors.DrainExtractor(max_clusters=budget)(text):
        numbers.extend(range(first, first + snippet.count("\n") + 1))
    return numbers[-budget:]


def main() -> None:
    for request in sys.stdin:
        asked = json.loads(request)
        print(json.dumps(lines(asked["text"], asked["budget"])), flush=True)


if __name__ == "__main__":
    main()
