"""What credentials look like: by their own shape, by the name before them, by the place in a URL or header.

Every pattern is linear on any line: a quantifier has a bound, or follows a literal, or ends in what it can't contain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MARK = "[redacted]"


@dataclass(frozen=True)
class Credential:
    """The pattern is only tried on a line that holds one of the hints."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str


def _credential(hints: str, pattern: str, replacement: str = MARK) -> Credential:
    return Credential(tuple(hints.split()), re.compile(pattern), replacement)


_ALONE = r"(?<![A-Za-z0-9])"
_NEW = r"(?!\[redacted\])"

BY_SHAPE = (
    # by prefix, not by length: GitHub has changed the length before
    _credential("ghp_ gho_ ghu_ ghs_ ghr_", _ALONE + r"gh[pousr]_[A-Za-z0-9_.\-]{10,}"),
    _credential("github_pat_", _ALONE + r"github_pat_\w{10,}"),
    _credential("glpat- gldt- glrt- glptt-", _ALONE + r"gl(?:pat|dt|rt|ptt)-[\w.\-]{10,}"),
    _credential("AKIA ASIA ABIA ACCA", _ALONE + r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16,}(?![A-Za-z0-9])"),
    _credential("AIza", _ALONE + r"AIza[\w\-]{30,}"),
    _credential("ya29.", _ALONE + r"ya29\.[\w\-.]{10,}"),
    _credential("GOCSPX-", _ALONE + r"GOCSPX-[\w\-]{10,}"),
    _credential("8Q~ 7Q~", r"(?<![\w~.\-])[\w~.\-]{3}[78]Q~[\w~.\-]{20,}"),
    _credential("sig=", r"(?<=[?&]sig=)[^\s&\"'<>]{16,}"),
    _credential("X-Amz-", r"(?<=X-Amz-Signature=)[0-9a-f]{16,}|(?<=X-Amz-Security-Token=)[^\s&\"'<>]{16,}"),
    _credential("eyJ", _ALONE + r"eyJ[\w\-]{8,}\.[\w\-]{8,}(?:\.[\w\-]*){0,3}"),
    _credential("xox", _ALONE + r"xox[a-z](?:\.xox[a-z])?-[\w\-]{10,}"),
    _credential("xapp-", _ALONE + r"xapp-[\w\-]{10,}"),
    _credential("hooks.slack.com", r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/\-]{10,}"),
    _credential("discord", r"(?<=/api/webhooks/)\d{1,30}/[\w\-]{20,}"),
    _credential("sk_ rk_ pk_live", _ALONE + r"(?:[sr]k_(?:live|test|prod)|pk_live)_[A-Za-z0-9]{10,}"),
    _credential("whsec_", _ALONE + r"whsec_[A-Za-z0-9+/=]{16,}"),
    _credential("npm_", _ALONE + r"npm_[A-Za-z0-9]{20,}(?![A-Za-z0-9_])"),
    _credential("pypi-", _ALONE + r"pypi-[\w\-]{32,}"),
    _credential("dckr_", _ALONE + r"dckr_(?:pat|oat)_[\w\-]{10,}"),
    _credential("SG.", _ALONE + r"SG\.[\w\-]{16,64}\.[\w\-]{16,}"),
    _credential("hf_", _ALONE + r"hf_[A-Za-z0-9]{30,}"),
    _credential("sk-", _ALONE + r"sk-(?:[a-z0-9]{2,12}-){0,2}[A-Za-z0-9_]{20,}[\w\-]*"),
    _credential("do", _ALONE + r"do[opr]_v1_[a-f0-9]{20,}"),
    _credential("hvs. hvb.", _ALONE + r"hv[sb]\.[\w\-]{20,}"),
    _credential(".atlasv1.", r"(?<=\.atlasv1\.)[\w\-]{20,}"),
    _credential("shp", _ALONE + r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{20,}"),
    _credential("AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{20,}"),
    _credential(":AA", _ALONE + r"\d{8,10}:AA[\w\-]{30,}"),  # a Telegram bot
)

BY_PLACE = (
    # userinfo in a URL, with or without a user's name; a port before a path with an at-sign in it is none
    _credential(
        "://",
        r"(?<=://)([^\s/:@?#\"'<>]{0,256}+):(?!\d{1,5}/)"
        + _NEW
        + r"(?:(?:[^\s/?#\"'<>@]{1,256}+@){1,8}+|[^\s@\"'<>]{1,512}+@)",
        rf"\1:{MARK}@",
    ),
    _credential("://", r"(?<=://)[\w\-.~%]{20,256}(?=@)"),
    # Oracle's user/password@host
    _credential(
        "jdbc:oracle", r"(jdbc:oracle:\w{1,8}:[\w.$#]{1,64}/)" + _NEW + r"[^\s@\"'<>]{1,256}(?=@)", rf"\1{MARK}"
    ),
    _credential(
        "uthorization UTHORIZATION",
        r"((?i:authorization)(?:\\?[\"'])?[ \t]{0,4}[:=][ \t]{0,4}(?:\\?[\"'])?"
        r"(?:(?i:basic|bearer|token|digest|negotiate|apikey)[ \t]{1,4})?+)" + _NEW + r"[^\s\"'\\,;]{4,8192}",
        rf"\1{MARK}",
    ),
    _credential("earer EARER", r"\b((?i:bearer)[ \t]{1,4})" + _NEW + r"[A-Za-z0-9\-._~+/]{16,8192}=*", rf"\1{MARK}"),
    _credential("dentified DENTIFIED", r"((?i:identified)[ \t]{1,4}(?i:by)[ \t]{1,4})'[^']{1,256}'", rf"\1'{MARK}'"),
    _credential(
        "curl wget",
        r"(?<=\s)(-u|--user|--proxy-user)([ =]\"?'?[^\s:\"']{1,128}:)" + _NEW + r"[^\s\"']{1,256}",
        rf"\1\2{MARK}",
    ),
)

# Names whose value is secret. What follows the first kind is hardly ever prose; of the second it often is
# ("unexpected token: x").
_PLAIN = (
    r"pass(?:word|wd|phrase|code)|(?<!\$)pwd|(?<!lib)secret|private[_.\-]?key|account[_.\-]?key|access[_.\-]?key|"
    r"shared[_.\-]?access[_.\-]?key"
)
_DOUBTFUL = (
    r"api[_.\-]?key|auth[_.\-]?key|token|credentials?|encryption[_.\-]?key|signing[_.\-]?key|session[_.\-]?(?:id|key)|"
    r"jsessionid|cookie|_auth(?![a-z])|license[_.\-]?key|connection[_.\-]?string|webhook[_.\-]?url"
)
_HINTS = ("pass", "pwd", "secret", "key", "token", "credential", "session", "cookie", "_auth", "string", "webhook")
_NAME = rf"(?P<name>(?P<plain>{_PLAIN})|{_DOUBTFUL})(?P<rest>(?:[_.\-]?[A-Za-z0-9]{{1,24}}+){{0,3}}+)(?:\[\d{{1,3}}\])?"
_ASSIGNED = re.compile(
    _NAME + r"(?P<separator>(?:\\?[\"'`])?[ \t]{0,8}(?:=>|:=|==|=|:)(?P<space>[ \t]{0,8}))"
    r"(?P<value>(?P<quote>\\?[\"'`])(?P<quoted>(?:(?!(?P=quote))(?:\\.|[^\\])){1,4096}+)(?=(?P=quote))|"
    r"(?:\\?[\"'`])?[^\s,;&\"'`<>)}\]|]{1,8192}+)",
    re.IGNORECASE,
)
_PROPERTY = re.compile(
    r"(?P<key>[ \t]{0,80}(?:(?:export|set|ENV|ARG)[ \t]|-D|--)?[\w.\-]{0,80}?"
    + _NAME
    + r"=)(?P<value>[^\s\"'`$%]\S{0,8192})",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"(?<!\S)(?P<name>--?(?:[a-z0-9]{{1,24}}[_.\-]){{0,3}}(?:{_PLAIN}|{_DOUBTFUL})[ \t]{{1,4}}[\"']?)"
    r"(?P<value>[^\s\"'`,;)\-][^\s\"'`,;)]{0,1024})",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"(?:null|nil|none|undefined|true|false|yes|no|on|off|empty|unset|set|required|missing|invalid|expired|string|text)"
    r"|x{3,}|[\W_]*|\d{1,2}|\$[A-Z_][A-Z0-9_]*|\$[{(].{0,200}|%\w.{0,60}%|%[sdvq]"
    r"|\[?(?:redacted|secure|masked|hidden|filtered)\]?.{0,20}",
    re.IGNORECASE,
)
_LOOKS_RANDOM = re.compile(r"(?=.{0,200}\d)(?=.{0,200}[A-Za-z])\S{6,}|\S{20,}")
_LINE_BEGINS = re.compile(r"[ \t\-\"'`#+>]{0,80}(?:(?:export|set|ENV|ARG)[ \t])?[\w.\-]{0,80}")
_FILE = re.compile(
    r"\.(?:java|kts?|groovy|scala|gradle|xml|ya?ml|properties|json|html?|css|[jt]sx?|[cm]js|vue|py|rb|php|rs|go|cs|cc?|cpp|"
    r"hp?p?|m|swift|exs?|erl|hs|lua|pl|pm|sh|sql|md|ps1|coffee)$"
)


def without_named(line: str) -> str:
    """`line` without the values that their names call secret: `key=value`, JSON, YAML, `--option value`."""
    low = line.lower()
    if not any(hint in low for hint in _HINTS):
        return line
    whole = _PROPERTY.match(line)
    if whole and not _NO_SECRET.fullmatch(whole["value"]) and not whole["value"].startswith(MARK):
        line = whole["key"] + MARK + line[whole.end() :]
    line = _OPTION.sub(lambda m: m[0] if _NO_SECRET.fullmatch(m["value"]) else m["name"] + MARK, line)
    return _ASSIGNED.sub(_without_value, line)


def _without_value(match: re.Match[str]) -> str:
    value = match["quoted"] or match["value"]
    if _NO_SECRET.fullmatch(value) or value.startswith(MARK) or _is_place(match) or _is_prose(match, value):
        return match.group()
    kept = match.group()[: match.start("value") - match.start()]
    return kept + (match["quote"] or "") + MARK


def _is_place(match: re.Match[str]) -> bool:
    """`TokenService.java:24`, `SecretStore.java:[24,16]`, `secret.rs: not found`: a file, and what is said of it."""
    return ":" in match["separator"] and not match["quote"] and bool(_FILE.search(match["rest"]))


def _is_prose(match: re.Match[str], value: str) -> bool:
    """A colon and a blank, in the middle of a sentence, before an ordinary word."""
    if not match["space"] or match["quote"] or "=" in match["separator"] or _LOOKS_RANDOM.fullmatch(value):
        return False
    return not match["plain"] and not _LINE_BEGINS.fullmatch(match.string, 0, match.start())
