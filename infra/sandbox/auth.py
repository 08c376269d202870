"""Who is calling, and what they may do: the App's JWT, installation tokens, people's tokens."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass

import jwt
from jwt.types import Options

from infra.sandbox.records import Account, App, Installation, Repository, Token
from infra.sandbox.refusal import Refusal
from infra.sandbox.world import World

LONGEST_JWT_S = 600
"""GitHub's limit for `exp`."""
TOKEN_S = 3600
_SIGNATURE_ONLY = Options(verify_exp=False, verify_iat=False, verify_nbf=False, verify_aud=False)
"""The times are held against the sandbox's own clock, below."""
LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True)
class Caller:
    """Exactly one of these is set, or none: nobody signed in."""

    app: App | None = None
    token: Token | None = None
    user: Account | None = None
    client: App | None = None
    """An App by its client id and secret, which is good for its people's tokens only."""

    @property
    def key(self) -> str:
        """Whose rate limit is used up."""
        if self.token is not None:
            return f"installation {self.token.installation.id}"
        if self.app is not None:
            return f"app {self.app.id}"
        return f"user {self.user.id}" if self.user is not None else "address"

    @property
    def account(self) -> Account | None:
        """Who is named as the author of what they write."""
        return self.token.installation.app.bot if self.token is not None else self.user

    def level(self, permission: str) -> str:
        """An installation token's: what it was minted with, as far as the installation still has it."""
        if self.token is None:
            return "none"
        if permission == "metadata":
            return "read"
        asked = self.token.permissions.get(permission, "none")
        has = self.token.installation.permissions.get(permission, "none")
        return min(asked, has, key=LEVELS.index)

    def has(self, need: str) -> bool:
        """`need`: `checks:write`."""
        name, _, level = need.partition(":")
        return LEVELS.index(self.level(name)) >= LEVELS.index(level)

    def covers(self, repository: Repository) -> bool:
        if self.user is not None:
            return repository.permission(self.user) is not None
        if self.token is None or not self.token.installation.covers(repository):
            return False
        return self.token.repository_ids is None or repository.id in self.token.repository_ids


def identify(world: World, authorization: str) -> Caller:
    """The caller by their `Authorization` header. Raises Refusal 401 or 403, as GitHub does."""
    if not authorization:
        return Caller()
    scheme, _, credentials = authorization.partition(" ")
    credentials = credentials.strip()
    match scheme.lower():
        case "basic":
            return _by_basic(world, credentials)
        case "bearer" | "token" if credentials.count(".") == 2 and not credentials.startswith("gh"):
            return Caller(app=app_of_jwt(world, credentials))
        case "bearer" | "token":
            return _by_value(world, credentials)
    raise Refusal(401, "Bad credentials")


def _by_basic(world: World, credentials: str) -> Caller:
    name, password = basic(credentials)
    for app in world.apps.values():
        if app.client_id == name and hmac.compare_digest(app.client_secret.encode(), password.encode()):
            return Caller(client=app)
    return _by_value(world, password)


def basic(credentials: str) -> tuple[str, str]:
    """User name and password of HTTP's Basic scheme."""
    try:
        name, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refusal(401, "Bad credentials") from error
    return name, password


def _by_value(world: World, value: str) -> Caller:
    person = world.user_tokens.get(value)
    if person is not None and person.expires_at > world.now():
        return Caller(user=person.user)
    token = world.tokens.get(value)
    if token is None or token.expires_at <= world.now() or token.installation.id not in world.installations:
        raise Refusal(401, "Bad credentials")
    if token.installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    return Caller(token=token)


def app_of_jwt(world: World, encoded: str) -> App:
    """Raises Refusal, with GitHub's words for a wrong `exp`, `iat`, `iss`, algorithm or signature."""
    undecodable = Refusal(401, "A JSON web token could not be decoded")
    try:
        claims = jwt.decode(encoded, options={"verify_signature": False})
        algorithm = jwt.get_unverified_header(encoded).get("alg")
    except jwt.InvalidTokenError as error:
        raise undecodable from error
    issuer = str(claims.get("iss", ""))
    app = next((each for each in world.apps.values() if issuer in (str(each.id), each.client_id)), None)
    if app is None:
        raise Refusal(
            404 if issuer else 401, "Integration not found" if issuer else "'Issuer' claim ('iss') must be an Integer"
        )
    if algorithm != "RS256":
        raise undecodable
    try:
        jwt.decode(encoded, app.public_key_pem, algorithms=["RS256"], options=_SIGNATURE_ONLY)
    except jwt.InvalidTokenError as error:
        raise undecodable from error
    _check_times(claims.get("exp"), claims.get("iat"), world.now())
    return app


def _check_times(expires: object, issued: object, now: float) -> None:
    if not isinstance(expires, int | float) or isinstance(expires, bool) or expires <= now:
        raise Refusal(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
            "assertion expires",
        )
    if expires > now + LONGEST_JWT_S:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    if not isinstance(issued, int | float) or isinstance(issued, bool) or issued > now:
        raise Refusal(
            401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        )


def mint(
    world: World,
    installation: Installation,
    permissions: dict[str, str] | None,
    repository_ids: frozenset[int] | None,
) -> Token:
    """Raises Refusal 422 for more than the installation has, 403 when it is suspended."""
    if installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    has = installation.permissions
    for name, level in (permissions or {}).items():
        if LEVELS.index(level) > LEVELS.index(has.get(name, "none")):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
    for number in repository_ids or ():
        repository = world.repositories.get(number)
        if repository is None or not installation.covers(repository):
            raise Refusal(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            )
    token = Token(
        value=f"ghs_{secrets.token_urlsafe(30)}",
        installation=installation,
        permissions=dict(permissions) if permissions else dict(has),
        expires_at=world.now() + TOKEN_S,
        repository_ids=repository_ids,
    )
    world.tokens[token.value] = token
    return token
