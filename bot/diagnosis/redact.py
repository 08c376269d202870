"""Secrets taken out of what leaves the machine. Linear in the length of the text, and line by line: numbers stay."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from bot.diagnosis.normalise import _ESCAPES as ESCAPES

MARK = "[redacted]"
SHORTEST = 4
"""Characters of the shortest known secret that is looked for: shorter ones would shred every line and hide nothing."""
SHORTEST_INSIDE_WORDS = 8
"""A known secret below this length is only replaced where it stands alone."""


@dataclass(frozen=True)
class Token:
    """A credential that its own shape gives away. The pattern is only tried where one of the hints occurs, and every
    quantifier in it has a bound or follows a literal, so that no line makes it slow."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str = MARK


def _token(hints: str, pattern: str, replacement: str = MARK) -> Token:
    return Token(tuple(hints.split()), re.compile(pattern), replacement)


_START = r"(?<![A-Za-z0-9])"

TOKENS = (
    # by prefix, not by length: GitHub has changed the length before
    _token("ghp_ gho_ ghu_ ghs_ ghr_", _START + r"gh[pousr]_[A-Za-z0-9_.\-]{10,}"),
    _token("github_pat_", _START + r"github_pat_\w{10,}"),
    _token("glpat- gldt- glrt- glptt-", _START + r"gl(?:pat|dt|rt|ptt)-[\w.\-]{10,}"),
    _token(
        "AKIA ASIA ABIA ACCA AROA AIDA",
        r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16,}(?![A-Za-z0-9])",
    ),
    _token("AIza", _START + r"AIza[\w\-]{30,}"),
    _token("ya29.", _START + r"ya29\.[\w\-.]{10,}"),
    _token("GOCSPX-", _START + r"GOCSPX-[\w\-]{10,}"),
    _token("8Q~ 7Q~", r"(?<![\w~.\-])[\w~.\-]{3}[78]Q~[\w~.\-]{20,}"),
    _token("sig=", r"(?<=[?&]sig=)[^\s&\"'<>]{16,}"),
    _token("eyJ", _START + r"eyJ[\w\-]{8,}\.[\w\-]{8,}(?:\.[\w\-]*)?(?:\.[\w\-]*){0,2}"),
    _token("xox", _START + r"xox[a-z]-[\w\-]{10,}"),
    _token("xapp-", _START + r"xapp-[\w\-]{10,}"),
    _token("hooks.slack.com", r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/\-]{10,}"),
    _token("sk_ rk_ pk_live", _START + r"(?:[sr]k_(?:live|test|prod)|pk_live)_[A-Za-z0-9]{10,}"),
    _token("whsec_", _START + r"whsec_[A-Za-z0-9+/=]{16,}"),
    _token("npm_", _START + r"npm_(?![a-z]+_)[A-Za-z0-9]{20,}"),
    _token("pypi-", _START + r"pypi-[\w\-]{32,}"),
    _token("dckr_", _START + r"dckr_(?:pat|oat)_[\w\-]{10,}"),
    _token("SG.", _START + r"SG\.[\w\-]{16,64}\.[\w\-]{16,}"),
    _token("hf_", _START + r"hf_[A-Za-z0-9]{30,}"),
    _token("sk-", _START + r"sk-(?:ant-|proj-|svcacct-|or-)?[\w\-]{32,}"),
    _token("dop_v1_ doo_v1_ dor_v1_", _START + r"do[opr]_v1_[a-f0-9]{20,}"),
    _token("hvs. hvb.", _START + r"hv[sb]\.[\w\-]{20,}"),
    _token("atlasv1.", r"\.atlasv1\.[\w\-]{20,}", "." + MARK),
    _token("shpat_ shpca_ shppa_ shpss_", _START + r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{20,}"),
    _token("AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{20,}"),
    _token("HRKU-", _START + r"HRKU-[\w\-]{20,}"),
    # userinfo in a URL: the password, with or without a user; a port followed by an at-sign in the path is none
    _token(
        "://",
        r"(?<=://)([^\s/:@?#\"'<>]{0,256}):(?!\d{1,5}/)(?!\[redacted\])"
        r"(?:[^\s/?#\"'<>]{1,512}(?=@)|[^\s@\"'<>]{1,512}(?=@))",
        r"\1:" + MARK,
    ),
    _token("://", r"(?<=://)[\w\-.~%]{20,256}(?=@)"),
    _token(
        "uthorization UTHORIZATION",
        r"((?i:authorization)(?:\\?[\"'])?[ \t]{0,4}[:=][ \t]{0,4}(?:\\?[\"'])?)(?!\[redacted\])"
        r"((?:(?i:basic|bearer|token|digest|negotiate|apikey)[ \t]{1,4})?)[^\s\"'\\,;]{1,8192}",
        r"\1\2" + MARK,
    ),
    _token("earer EARER", r"\b((?i:bearer)[ \t]{1,4})(?!\[redacted\])[A-Za-z0-9\-._~+/]{16,}=*", r"\1" + MARK),
    _token("identified IDENTIFIED", r"((?i:identified[ \t]{1,4}by[ \t]{1,4}))'[^']{1,256}'", r"\1'" + MARK + "'"),
)

# A name that says its value is a secret, then the value. Names of the first group are never followed by prose.
_PASSWORDS = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|private[_.\-]?key|account[_.\-]?key|access[_.\-]?key|"
    r"shared[_.\-]?access[_.\-]?key"
)
_TOKENS = (
    r"api[_.\-]?key|auth[_.\-]?key|token|credentials?|encryption[_.\-]?key|signing[_.\-]?key|"
    r"session[_.\-]?(?:id|key)|jsessionid|cookie|_auth|license[_.\-]?key|connection[_.\-]?string|webhook[_.\-]?url"
)
_NAME_HINT = re.compile(rf"{_PASSWORDS}|{_TOKENS}", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"(?P<name>(?P<password>{_PASSWORDS})|{_TOKENS})(?P<rest>(?:[_.\-]?[A-Za-z0-9]{{1,24}}){{0,3}})"
    r"(?P<sep>(?:\\?[\"'`])?(?P<space>[ \t]{0,8})(?:=>|:=|=|:)(?P<after>[ \t]{0,8}))"
    r"(?P<value>(?P<quote>\\?[\"'`])(?P<quoted>(?:(?!(?P=quote))(?:\\.|[^\\\n])){1,4096})(?=(?P=quote))|"
    r"(?:\\?[\"'`])?[^\s,;&\"'`<>)}\]|]{1,8192})",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"(?P<name>(?<!\S)--?(?:[a-z0-9]{{1,24}}[_.\-]){{0,3}}(?:{_PASSWORDS}|{_TOKENS})[ \t]{{1,4}})"
    r"(?!-)(?P<value>[^\s\"'`,;)]{1,1024})",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"(?:null|nil|none|undefined|true|false|yes|no|on|off|empty|unset|set|required|missing|invalid|expired)"
    r"|x{3,}|[\W_]*"
    r"|\$[A-Z_][A-Z0-9_]*|\$[{(].{0,200}|%\w.{0,60}%|%[sdvq]|\[?(?:redacted|secure|masked|hidden|filtered)\]?.{0,20}|\d{1,2}",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"(?=.{0,200}\d)(?=.{0,200}[A-Za-z])[^\s]{6,}|[^\s]{20,}")
_LINE_START = re.compile(r"[ \t\-\"'#+>]{0,80}(?:export[ \t]|set[ \t]|ENV[ \t]|ARG[ \t]|-D|--)?[\w.\-]{0,80}")


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """`text` with every credential in it, and every value of `secrets`, replaced by `[redacted]`.

    The number of lines stays, and so does what stands on each line besides. Colours are taken out, since they could
    split a secret in two. A value of `secrets` shorter than four characters is left alone.
    """
    if "\x1b" in text:
        text = ESCAPES.sub("", text)
    text = _known(text, secrets)
    text = _pem(text)
    for token in TOKENS:
        if any(hint in text for hint in token.hints):
            text = token.pattern.sub(token.replacement, text)
    return _named(text)


def _known(text: str, secrets: Collection[str]) -> str:
    for value in sorted(set(_spellings(secrets)), key=len, reverse=True):
        if value not in text:
            continue
        mark = MARK + "\n" * value.count("\n")
        if len(value) >= SHORTEST_INSIDE_WORDS:
            text = text.replace(value, mark)
        else:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", mark, text)
    return text


def _spellings(secrets: Collection[str]) -> Iterator[str]:
    """The values, and how they look inside a URL, a JSON string and, of several lines, line by line."""
    for secret in secrets:
        value = secret.strip()
        if len(value) < SHORTEST:
            continue
        yield value
        yield quote(value, safe="")
        yield json.dumps(value)[1:-1]
        yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= SHORTEST_INSIDE_WORDS)


_PEM_EDGE = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]{0,60}-----")
_PEM_LONGEST = 400
"""Lines after which a block that nobody ended is taken for ended: an 8192-bit key has 100."""


def _pem(text: str) -> str:
    if "-----BEGIN " not in text:
        return text
    kept: list[str] = []
    inside = 0
    for line in text.split("\n"):
        edges = list(_PEM_EDGE.finditer(line))
        if not edges:
            kept.append(MARK if inside and line.strip() else line)
            inside = inside + 1 if 0 < inside < _PEM_LONGEST else 0
            continue
        parts: list[str] = []
        at = 0
        for edge in edges:
            parts.append((MARK if line[at : edge.start()].strip() else "") if inside else line[at : edge.start()])
            parts.append(edge.group())
            inside = 1 if edge.group(1) == "BEGIN" else 0
            at = edge.end()
        rest = line[at:]
        kept.append("".join(parts) + (MARK if inside and rest.strip() else rest))
    return "\n".join(kept)


def _named(text: str) -> str:
    if not _NAME_HINT.search(text):
        return text
    return "\n".join(_named_line(line) if _NAME_HINT.search(line) else line for line in text.split("\n"))


def _named_line(line: str) -> str:
    line = _OPTION.sub(lambda m: m["name"] + (m["value"] if _NOTHING.fullmatch(m["value"]) else MARK), line)
    return _ASSIGNED.sub(_assigned, line)


def _assigned(match: re.Match[str]) -> str:
    value = match["quoted"] or match["value"]
    if _NOTHING.fullmatch(value):
        return match.group()
    prose = match["after"] and not match["quote"] and ":" in match["sep"] and "=" not in match["sep"]
    if (
        prose
        and not _RANDOM.fullmatch(value)
        and not (match["password"] or _LINE_START.fullmatch(match.string, 0, match.start()))
    ):
        return match.group()
    opening = match["quote"] or ""
    return match.group()[: match.start("value") - match.start()] + opening + MARK
