"""Types of single settings: how each is read, and what is said when it cannot be.

A parser raises ValueError whose text completes "NAME ..." with what is wrong and how to mend it. It never repeats the
value: whoever mixes up two lines would find a token in the terminal.
"""

import re
from base64 import b64decode
from typing import Annotated, Literal, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from babel.numbers import list_currencies
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from bot.domain.money import LARGEST, Units, parse_units

_TOKEN = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{30,64}")
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
_WHSEC = "whsec_"
_SHORTEST_KEY = 16
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_SQLITE = "sqlite:///"


def _bot_token(value: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(value.get_secret_value()):
        raise ValueError(
            "is not a bot token: digits, a colon and about 35 letters. "
            "Open @BotFather in Telegram, send /mybots, choose the bot, and copy its API Token"
        )
    return value


def _webhook_secret(value: SecretStr) -> SecretStr:
    if not _WEBHOOK_SECRET.fullmatch(value.get_secret_value()):
        raise ValueError(
            "is the secret end of an address, not what webhooks are signed with (that is WEBHOOK_SIGNING_SECRET): "
            "it must be 16 to 256 letters, digits, '-' or '_'. Make one with `openssl rand -hex 16`"
        )
    return value


def _signing_secret(value: SecretStr) -> SecretStr:
    for secret in value.get_secret_value().split():
        if not secret.isprintable() or len(_key_of(secret)) < _SHORTEST_KEY:
            raise ValueError(
                "must be the secret that the provider shows for its webhooks, whole: whsec_ and Base64, or "
                f"{_SHORTEST_KEY} letters or more; two with a space between while one takes the other's place"
            )
    return value


def _key_of(secret: str) -> bytes:
    """Empty for a damaged one."""
    if not secret.startswith(_WHSEC):
        return secret.encode("utf-8", "replace")
    try:
        return b64decode(secret.removeprefix(_WHSEC), validate=True)
    except ValueError:
        return b""


def _key(value: SecretStr) -> SecretStr:
    if any(c.isspace() or not c.isprintable() for c in value.get_secret_value()):
        raise ValueError("must be one word without spaces or line breaks: copy the key again")
    return value


def split_url(url: str) -> SplitResult:
    """The parts of an http(s) URL. Raises ValueError, without the URL in it, when it is none."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or any(c.isspace() or not c.isprintable() for c in url):
        raise ValueError("must be an address that begins with http:// or https://")
    if parts.query or parts.fragment:
        raise ValueError("must be an address without '?' and '#': remove what follows the path")
    return parts


def _url(value: str) -> str:
    split_url(value)
    return value.rstrip("/")


def _public_url(value: str) -> str:
    if "@" in split_url(value).netloc:
        raise ValueError("is told to others, so it cannot hold a user name or password: remove them")
    return value.rstrip("/")


def credentials_of(url: str) -> tuple[str, ...]:
    """What is secret in a URL: its `user:password@`, as written and decoded; nothing when it has none."""
    userinfo, at, _ = urlsplit(url).netloc.rpartition("@")
    if not at:
        return ()
    _, colon, password = userinfo.partition(":")
    parts = (userinfo, unquote(userinfo), *((password, unquote(password)) if colon else ()))
    return tuple(dict.fromkeys(part for part in parts if part))


def without_credentials(url: str) -> str:
    parts = urlsplit(url)
    _, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"****@{host}").geturl() if at else url


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("must be a bare address or host name, such as 127.0.0.1 or 0.0.0.0")
    return value


def _database_url(value: str) -> str:
    if value.lower().startswith(("postgres://", "postgresql://", "postgresql+")):
        raise ValueError("names PostgreSQL, which is not supported yet: use sqlite:///data/codepigeon.db")
    path = value.removeprefix(_SQLITE)
    if path == value or not path.strip("/"):
        raise ValueError(
            "must be sqlite:/// and the path of a file: sqlite:///data/codepigeon.db, "
            "or with four slashes sqlite:////var/lib/codepigeon.db"
        )
    if path == ":memory:" or "?" in path or "#" in path or path.endswith("/"):
        raise ValueError("must name a file, without options: use sqlite:///data/codepigeon.db")
    return value


def database_path(url: str) -> str:
    return url.removeprefix(_SQLITE)


def _folder(value: str) -> str:
    if "://" in value or "\x00" in value:
        raise ValueError("must be the path of a folder on this machine, such as /var/backups/codepigeon")
    return value


def _user_ids(value: object) -> object:
    """`"1, 2"` → {1, 2}; anything but text passes through."""
    if not isinstance(value, str):
        return value
    items = [item.strip() for item in value.split(",") if item.strip()]
    if not all(item.isascii() and item.isdigit() and 0 < len(item.lstrip("0")) <= 16 for item in items):
        raise ValueError(
            "must be Telegram user ids, whole numbers with commas between, such as 123456789,987654321; "
            "a @name is no id"
        )
    return frozenset(int(item) for item in items)


def is_currency(code: str) -> bool:
    return code in list_currencies()


def _currency(value: str) -> str:
    code = value.upper()
    if not is_currency(code):
        raise ValueError("must be a currency's three-letter code of ISO 4217, such as USD, EUR or RUB")
    return code


def _amount(value: object) -> object:
    """`"25.50"` → Units; anything but text passes through as Units."""
    if not isinstance(value, str):
        return value
    try:
        return parse_units(value)
    except ValueError:
        raise ValueError("must be an amount of money such as 25 or 25.50") from None


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


BotToken: TypeAlias = Annotated[SecretStr, AfterValidator(_bot_token)]
WebhookSecret: TypeAlias = Annotated[SecretStr, AfterValidator(_webhook_secret)]
SigningSecret: TypeAlias = Annotated[SecretStr, AfterValidator(_signing_secret)]
Key: TypeAlias = Annotated[SecretStr, AfterValidator(_key)]
Url: TypeAlias = Annotated[str, AfterValidator(_url)]
PublicUrl: TypeAlias = Annotated[str, AfterValidator(_public_url)]
Host: TypeAlias = Annotated[str, AfterValidator(_host)]
DatabaseUrl: TypeAlias = Annotated[str, AfterValidator(_database_url)]
Folder: TypeAlias = Annotated[str, AfterValidator(_folder)]
UserIds: TypeAlias = Annotated[frozenset[int], NoDecode, BeforeValidator(_user_ids)]
Currency: TypeAlias = Annotated[str, AfterValidator(_currency)]
Amount: TypeAlias = Annotated[Units, BeforeValidator(_amount), Field(ge=0, le=LARGEST)]

Switch: TypeAlias = Annotated[Literal["off", "on"], BeforeValidator(_lower)]
TelegramMode: TypeAlias = Annotated[Literal["polling", "webhook"], BeforeValidator(_lower)]
Access: TypeAlias = Annotated[Literal["private", "open"], BeforeValidator(_lower)]
Billing: TypeAlias = Annotated[Literal["off", "prepaid"], BeforeValidator(_lower)]
LogFormat: TypeAlias = Annotated[Literal["text", "json"], BeforeValidator(_lower)]
LogLevel: TypeAlias = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]
