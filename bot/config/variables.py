"""From the environment and the .env file to one table of variables, with every doubt spoken out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from bot.config.model import Config
from bot.config.provider import ProviderConfig

PREFIX = "PROVIDERS__"
_NAMES = tuple(name.upper() for name in Config.model_fields if name != "providers")
_OPTIONS = tuple(name.upper() for name in ProviderConfig.model_fields)
_SECRET_OPTIONS = ("API_KEY", "WEBHOOK_SECRET", "WEBHOOK_SIGNING_SECRET")
KNOWN = (*_NAMES, "BOT_TOKEN_FILE")
OPTIONS = (*_OPTIONS, *(f"{option}_FILE" for option in _SECRET_OPTIONS))
_PROVIDER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_LOOKS_LIKE_A_NAME = re.compile(r"[A-Z][A-Z_]{1,39}")


@dataclass
class Variables:
    """Variables by key (the name, a provider's part in lower case), with the spelling that its owner used."""

    values: dict[str, str] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, name: str, value: str) -> None:
        key = key_of(name)
        earlier = self.spelled.get(key)
        if earlier is not None:
            again = "is set twice" if earlier == name else f"and {earlier} are the same setting"
            self.problems.append(f"{name} {again}: keep one of them.")
            return
        self.spelled[key] = name
        self.values[key] = value


def collect(environ: Mapping[str, str], env_file: Path | None) -> Variables:
    """All variables that are ours; the environment's win over the file's. Empty ones are left out."""
    ours = Variables()
    for name, value in environ.items():
        if name.upper().startswith(PREFIX):
            _add_option(ours, name, value)
        elif name in KNOWN and value.strip():
            ours.add(name, value.strip())
    of_file = _read_env_file(env_file) if env_file else Variables()
    return Variables(of_file.values | ours.values, of_file.spelled | ours.spelled, ours.problems + of_file.problems)


def key_of(name: str) -> str:
    """`PROVIDERS__Acme__KIND` → `PROVIDERS__acme__KIND`; other names as they are."""
    if not name.startswith(PREFIX):
        return name
    provider, _, option = name.removeprefix(PREFIX).partition("__")
    return f"{PREFIX}{provider.lower()}__{option}"


def _add_option(variables: Variables, name: str, value: str) -> None:
    if not name.startswith(PREFIX):
        variables.problems.append(f"{name} must be spelled {PREFIX}{name[len(PREFIX) :]}: rename it.")
        return
    provider, _, option = name.removeprefix(PREFIX).partition("__")
    if not _PROVIDER_NAME.fullmatch(provider.lower()):
        variables.problems.append(
            f"{name} names no provider: write {PREFIX}<NAME>__<OPTION>, "
            "where <NAME> is up to 32 letters, digits, '-' or '_'."
        )
    elif option not in OPTIONS:
        variables.problems.append(f"{name}: a provider has no option {option or 'of that kind'}. {_hint(option)}")
    elif value.strip():
        variables.add(name, value.strip())


def _hint(option: str) -> str:
    close = get_close_matches(option.upper(), OPTIONS, n=1)
    return f"Did you mean {close[0]}?" if close else f"Use one of {', '.join(OPTIONS)}."


def _read_env_file(path: Path) -> Variables:
    variables = Variables()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return variables
    except UnicodeDecodeError:
        variables.problems.append(f"{path} is not a text file in UTF-8: save it as one.")
        return variables
    except OSError as error:
        variables.problems.append(f"{path} cannot be read ({error.strerror}): mend or remove it.")
        return variables
    for where, binding in _bindings(path, text):
        _add_line(variables, where, binding)
    return variables


def _bindings(path: Path, text: str) -> Iterator[tuple[str, Binding]]:
    for binding in parse_stream(StringIO(text)):
        if binding.error or binding.key is not None:
            blank = binding.original.string[: -len(binding.original.string.lstrip())]
            yield f"{path} line {binding.original.line + blank.count(chr(10))}", binding


def _add_line(variables: Variables, where: str, binding: Binding) -> None:
    # A line that is no NAME=value may be a bare secret, so it is not repeated.
    if binding.error or binding.key is None or binding.value is None:
        variables.problems.append(f"{where} is not of the form NAME=value: mend it, or put # before it.")
    elif binding.key.upper().startswith(PREFIX):
        _add_option(variables, binding.key, binding.value)
    elif binding.key in KNOWN:
        if binding.value.strip():
            variables.add(binding.key, binding.value.strip())
    else:
        variables.problems.append(_unknown(where, binding.key))


def _unknown(where: str, name: str) -> str:
    close = get_close_matches(name.upper(), (*KNOWN, f"{PREFIX}<NAME>__KIND"), n=1, cutoff=0.7)
    if close:
        return f"{name} ({where}) is no setting. Did you mean {close[0]}?"
    shown = f"{name} ({where})" if _LOOKS_LIKE_A_NAME.fullmatch(name) else where
    return f"{shown} is no setting: remove it, or look in .env.example for its name."
