"""From a failed log to its cause: normalise, redact, extract, ask an analyst, hold the answer against the log."""

from bot.diagnosis.diagnose import diagnose, make_extract
from bot.diagnosis.extract import extract
from bot.diagnosis.redact import redact
from bot.diagnosis.rules import RulesAnalyst

__all__ = ["RulesAnalyst", "diagnose", "extract", "make_extract", "redact"]
