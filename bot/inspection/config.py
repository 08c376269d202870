"""`.whaleray.yml`: what a repository may say about itself. All of it is optional."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

from bot.errors import UserError
from bot.inspection.files import Files, show, usable
from bot.inspection.plainyaml import Node, YamlError, documents, line_of, plain

PATHS = (".whaleray.yml", ".whaleray.yaml")
MAX_BYTES = 64 * 1024
RESERVED = frozenset(
    {
        "COMMIT_SHA",
        "DEPLOYMENT_ID",
        "ECR_IMAGE_URI",
        "JAVA_HOME",
        "PATH",
        "PORT",
        "SERVER_ADDRESS",
        "SERVER_FORWARD_HEADERS_STRATEGY",
        "SERVER_PORT",
        "SERVER_SHUTDOWN",
        "SERVICE_ID",
    }
)
"""WhaleRay sets these itself; `WHALERAY_...` and `LD_...` are its own as well."""
_MEMORY = re.compile(r"(\d{1,7}) ?(m|mb|mib|g|gb|gib)?", re.IGNORECASE)


class ConfigError(UserError):
    """A file of the repository is wrong at a line that is known: shown as an annotation there."""

    def __init__(self, what: str, why: str = "", mend: str = "", *, path: str, line: int) -> None:
        super().__init__(what, why, mend)
        self.path = path
        self.line = line


def _path(value: str) -> str:
    value = value.strip().removeprefix("./").strip("/")
    if value == ".":
        return ""
    if not usable(value):
        raise ValueError("has to be a path inside the repository, made of letters, digits and `._-@+`")
    return value


def _url_path(value: str) -> str:
    if not re.fullmatch(r"/[\w.~%/:@!$&'()*+,;=?-]{0,200}", value, re.ASCII):
        raise ValueError("has to be a URL's path, beginning with `/`")
    return value


def _argument(value: str) -> str:
    if any(character in value for character in "\0\r\n"):
        raise ValueError("can't hold a line break or NUL")
    return value


def _value(value: str) -> str:
    if "\0" in value:
        raise ValueError("can't hold NUL")
    return value


def _memory(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _MEMORY.fullmatch(value.strip())
    if not found:
        raise ValueError("has to be MiB, or a number with `m` or `g`: `512m`, `1g`")
    return int(found[1]) * (1024 if (found[2] or "m")[0].lower() == "g" else 1)


def _env_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", value):
        raise ValueError("is no name of an environment variable: letters, digits and `_`, no digit first")
    if value.upper() in RESERVED or value.upper().startswith(("WHALERAY_", "LD_")):
        raise ValueError("is set by WhaleRay itself and can't be changed here")
    return value


def _refusable(value: object) -> object:
    return False if isinstance(value, str) and value.lower() in ("false", "no", "off") else value


RepositoryPath = Annotated[
    str,
    Field(
        max_length=200,
        json_schema_extra={"pattern": r"^(\./)?[\w.@+ /-]*$", "not": {"pattern": r"\.\."}, "examples": ["backend/"]},
    ),
    AfterValidator(_path),
]
UrlPath = Annotated[
    str,
    Field(max_length=200, json_schema_extra={"pattern": "^/", "examples": ["/actuator/health"]}),
    AfterValidator(_url_path),
]
Argument = Annotated[
    str,
    Field(min_length=1, max_length=1000, json_schema_extra={"pattern": r"^[^\r\n]+$", "examples": ["-Pproduction"]}),
    AfterValidator(_argument),
]
EnvName = Annotated[
    str,
    Field(
        json_schema_extra={
            "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$",
            "not": {"anyOf": [{"enum": sorted(RESERVED)}, {"pattern": "^(WHALERAY_|LD_)"}]},
        }
    ),
    AfterValidator(_env_name),
]
EnvValue = Annotated[
    str,
    Field(max_length=8192),
    AfterValidator(_value),
    WithJsonSchema({"type": ["string", "number", "boolean"], "maxLength": 8192}),
]
Memory = Annotated[
    int,
    BeforeValidator(_memory),
    Field(ge=128, le=32768),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 128, "maximum": 32768},
                {"type": "string", "pattern": "^[0-9]{1,7} ?([mM]|[gG])?([iI]?[bB])?$"},
            ],
            "examples": ["512m", "1g"],
        }
    ),
]


class Configuration(BaseModel):
    """What `.whaleray.yml` says. An unknown key is an error: it is a misspelt one."""

    model_config = ConfigDict(frozen=True, extra="forbid", title=".whaleray.yml")

    branch: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="The branch whose pushes deploy by themselves. Default: the repository's default branch.",
    )
    auto: bool = Field(True, description="`false`: a push deploys nothing; a command or the Deploy button does.")
    wait_for_checks: bool = Field(
        False, description="`true`: a push deploys only when the commit's other checks passed."
    )
    path: RepositoryPath | None = Field(
        None, description="The directory of the application, where the repository holds several or hides it."
    )
    dockerfile: Annotated[RepositoryPath | Literal[False], BeforeValidator(_refusable)] | None = Field(
        None,
        description="The Dockerfile to build with, from the repository's root. `false`: WhaleRay's own.",
    )
    jdk: int | None = Field(
        None, ge=8, le=99, description="The JDK's major version. Default: what the build files say, else 17."
    )
    port: int | None = Field(
        None, ge=1024, le=65535, description="Where the application listens. Default: what it says itself, else 8080."
    )
    health: UrlPath | None = Field(
        None, description="The path that answers below 500 when the application is up. Default: Actuator's, else `/`."
    )
    arguments: tuple[Argument, ...] = Field(
        (), max_length=50, description="Added to the build command, one argument each: `-Pproduction`."
    )
    env: dict[EnvName, EnvValue] = Field(
        default_factory=dict,
        max_length=100,
        json_schema_extra={"additionalProperties": False},
        description="The application's environment. Nothing secret: everybody who sees the repository reads it.",
    )
    memory: Memory = Field(512, description="Of one instance: MiB, or with a unit: `512m`, `1g`.")
    cpu: float = Field(1.0, ge=0.25, le=16, description="CPUs of one instance.")
    instances: int = Field(1, ge=1, le=10, description="How many run side by side.")


def parse(text: str, path: str = PATHS[0]) -> Configuration:
    """ConfigError, at its line, for anything that is wrong."""
    if len(text) > MAX_BYTES:
        raise ConfigError(
            f"{show(path)} is too long.", f"It may have {MAX_BYTES // 1024} KiB.", "Shorten it.", path=path, line=1
        )
    try:
        found = list(documents(text))
    except YamlError as error:
        raise _wrong(path, error.line, f"{error.why}.", "Mend that line, then push again.") from error
    if len(found) > 1:
        raise _wrong(path, found[1].line, "It holds several documents.", "Keep one and remove the `---`.")
    node = found[0] if found else Node({}, 1)
    if node.value is None:
        node = Node({}, 1)
    if not isinstance(node.value, dict):
        raise _wrong(path, node.line, "It has to be keys and values.", "Write for example `path: backend/`.")
    try:
        return Configuration.model_validate(plain(node))
    except ValidationError as error:
        first = min(error.errors(), key=lambda each: line_of(node, each["loc"]))
        raise _invalid(path, node, first) from error


def read(files: Files) -> Generator[str, bytes, Configuration]:
    """Of the commit's files; all defaults when there is none."""
    path = files.first(PATHS)
    text = yield from files.text(path)
    return Configuration() if path is None or text is None else parse(text, path)


def _wrong(path: str, line: int, why: str, mend: str) -> ConfigError:
    return ConfigError(f"{show(path)} is wrong at line {line}.", why, mend, path=path, line=line)


def _invalid(path: str, node: Node, error: ErrorDetails) -> ConfigError:
    where = [step for step in error["loc"] if isinstance(step, str) and step != "[key]"]
    key = show(".".join(where[:2])) if where else "it"
    line = line_of(node, error["loc"])
    if error["type"] == "extra_forbidden":
        known = ", ".join(f"`{each}`" for each in Configuration.model_fields)
        return _wrong(path, line, f"There is no key {key}.", f"Known are {known}.")
    reason = error["msg"].removeprefix("Value error, ")
    if error["type"] != "value_error":
        reason = f"is wrong: {reason[:1].lower()}{reason[1:]}"
    return _wrong(path, line, f"{key} {reason}.", "Mend that line, then push again.")
