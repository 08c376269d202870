"""How much a line looks like the cause of a failure: general marks of tools, none of one log."""

from __future__ import annotations

import re

_GATE = re.compile(
    r"(?i)err|fail|fatal|exception|cannot|could|undefined|unresolved|unexpected|expected|panic|traceback|abort|kill|denied|"
    r"refused|missing|invalid|unable|unknown|not |caused|exit|assert|wrong|conflict|time|segmentation|[✗✖×]|\d\)"
)
_STRONG = re.compile(
    r"(?i)(?:^|[\s\[(:*!>])(?:fatal )?(?:error|exception|failure|panic|fatal)s?\b[\]:!]|"
    r"^\s*(?:Traceback \(most recent|Caused by: |FAILED|FAILURE|FAIL\b|not ok \d|✗|✖|×|\d+\) )|"
    r"\b[\w.$]+(?:Exception|Error)\b(?::|$)|:\d+(?::\d+)?: (?:fatal )?error"
)
_WEAK = re.compile(
    r"(?i)\b(?:failed|failure|cannot|can't|could not|couldn't|undefined|unresolved|unexpected|denied|refused|"
    r"no such|not found|does not exist|missing|invalid|unable to|killed|aborted|timed out|exited with)\b"
)
_BENIGN = re.compile(
    r"(?i)\b0 (?:errors?|failures?|failed)|(?:errors?|failures?|failed)[:=] ?0\b|no errors?\b|\bwarn(?:ing)?\b"
)


def score(line: str) -> float:
    """0 for a line that says nothing of a failure; about 1 for a hint, 3 and more for a plain statement of one."""
    if not _GATE.search(line):
        return 0.0
    points = 0.0
    if _STRONG.search(line):
        points += 3
    if _WEAK.search(line):
        points += 1
    if _BENIGN.search(line):
        points -= 2
    return points
