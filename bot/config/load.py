"""Build the configuration, or say everything that is wrong with it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource

from bot.config.files import read_secret_files
from bot.config.model import Config
from bot.config.provider import KINDS
from bot.config.variables import PREFIX, Variables, collect

_EXAMPLES = {
    "TELEGRAM_MODE": "polling",
    "TELEGRAM_RATE": "30",
    "HTTP_PORT": "8080",
    "SMS_RETENTION_DAYS": "30",
    "BACKUP_KEEP": "7",
    "API": "off",
    "API_RATE": "10",
    "ACCESS": "private",
    "BILLING": "off",
    "MARKUP_PERCENT": "15",
    "DEMO_BALANCE": "25",
    "LIMIT_ACTIVE_NUMBERS": "10",
    "LIMIT_PURCHASES_PER_MINUTE": "5",
    "LIMIT_PURCHASES_PER_DAY": "100",
    "LOG_FORMAT": "text",
    "LOG_LEVEL": "INFO",
    "KIND": KINDS[0],
    "RATE": "1.08",
    "LOW_BALANCE": "5",
    "MAX_IN_FLIGHT": "8",
    "TIMEOUT_S": "20",
}
_SENTENCES = {
    "missing": "is missing",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_parsing": "must be a number",
    "decimal_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "literal_error": "must be one of {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
}


class ConfigError(Exception):
    """All that is wrong, a line each: the variable, what is wrong with it, the fix. Without secrets."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> Config:
    """Settings from `environ` (None: the process's own), over those of `env_file`, which need not exist.

    Raises ConfigError with every problem at once.
    """
    variables = collect(os.environ if environ is None else environ, env_file)
    read_secret_files(variables)
    config, wrong = _validated(variables)
    problems = (*variables.problems, *wrong)
    if config is None or problems:
        # Not raised while pydantic's own error is handled: that one holds the values.
        raise ConfigError(problems)
    return config


def _validated(variables: Variables) -> tuple[Config | None, list[str]]:
    source = EnvSettingsSource(Config)
    source.env_vars = {key.lower(): value for key, value in variables.values.items()}
    try:
        return Config(**source()), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return None, [_line(variables, detail) for detail in details]


def _line(variables: Variables, detail: ErrorDetails) -> str:
    name = _name(variables, detail["loc"])
    context: dict[str, Any] = detail.get("ctx", {})
    error = context.get("error")
    if isinstance(error, ValueError):
        return f"{name} {error}."
    wrong = _SENTENCES.get(detail["type"], "is not valid").format_map(context)
    example = _EXAMPLES.get(str(detail["loc"][-1]).upper())
    return f"{name} {wrong}, for example {name}={example}." if example else f"{name} {wrong}."


def _name(variables: Variables, loc: tuple[int | str, ...]) -> str:
    """The variable as its owner spelled it, for a place in Config."""
    parts = [str(part) for part in loc]
    if parts[0] != "providers":
        return variables.spelled.get(parts[0].upper(), parts[0].upper())
    provider, option = parts[1], parts[2].upper()
    default = f"{PREFIX}{provider.upper()}__{option}"
    return variables.spelled.get(f"{PREFIX}{provider}__{option}", default)
