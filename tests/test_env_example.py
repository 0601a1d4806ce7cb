"""`.env.example` and docs/configuration.md name every setting, with its true default, and nothing else."""

import re
from pathlib import Path

import pytest

from bot.config import Config, ProviderConfig, load

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
DOCS = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
PROVIDER = "PROVIDERS__EXAMPLE__"

SETTINGS = {name.upper() for name in Config.model_fields} - {"PROVIDERS"}
OPTIONS = {name.upper() for name in ProviderConfig.model_fields}
FILES = {
    "BOT_TOKEN_FILE",
    *(f"{PROVIDER}{option}_FILE" for option in ("API_KEY", "WEBHOOK_SECRET", "WEBHOOK_SIGNING_SECRET")),
}
EVERY = SETTINGS | {PROVIDER + option for option in OPTIONS} | FILES

ENTRY = re.compile(r"((?:^# .+\n)*)^(#{1,2}) ([A-Z_]+)=(.*)$", re.MULTILINE)
ABOUT = re.compile(r"^# Type: (\S.*?)   Example: (\S.*?)   Default: (\S.*)$", re.MULTILINE)


def entries() -> dict[str, re.Match[str]]:
    return {entry[3]: entry for entry in ENTRY.finditer(EXAMPLE)}


def shown_defaults() -> dict[str, str]:
    shown = dict(load({"PROVIDERS__EXAMPLE__KIND": "sandbox"}, None).redacted())
    shown[f"{PROVIDER}KIND"] = "none, must be set"
    shown[f"{PROVIDER}CURRENCY"] = "the value of CURRENCY"
    return shown | dict.fromkeys(FILES, "not set")


def test_the_example_names_every_setting_once_and_no_other():
    assert sorted(entry[3] for entry in ENTRY.finditer(EXAMPLE)) == sorted(EVERY)
    assert len(re.findall(r"^#{1,2} ?[A-Za-z_]+=", EXAMPLE, re.MULTILINE)) == len(EVERY)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_each_entry_tells_its_type_an_example_and_the_true_default(name: str):
    about = ABOUT.search(entries()[name][1])
    assert about is not None
    assert about[3] == shown_defaults()[name]


@pytest.mark.parametrize("name", sorted(EVERY - FILES))
def test_each_entry_says_first_what_it_is_for(name: str):
    first = entries()[name][1].splitlines()[0]
    assert first.startswith("# ")
    assert not first.startswith("# Type:")


def test_the_example_as_it_stands_sets_nothing():
    assert [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")] == []


def test_the_example_loads_with_every_line_taken_in(tmp_path: Path):
    taken = re.sub(r"^# ([A-Z_]+=)", r"\1", EXAMPLE, flags=re.MULTILINE)
    (tmp_path / ".env").write_text(taken, encoding="utf-8")
    config = load({}, tmp_path / ".env")
    assert config.bot_token is not None
    assert config.model_fields_set == set(Config.model_fields)
    assert config.providers["example"].model_fields_set == set(ProviderConfig.model_fields)


def test_the_example_loads_with_the_secrets_in_files(tmp_path: Path):
    taken = re.sub(r"^# ([A-Z_]+=)", r"\1", EXAMPLE, flags=re.MULTILINE)
    for name in FILES:
        plain = name.removesuffix("_FILE")
        (tmp_path / name).write_text(entries()[plain][4] + "\n")
        taken = re.sub(rf"^{plain}=.*$", f"{name}={tmp_path / name}", taken, flags=re.MULTILINE)
    (tmp_path / ".env").write_text(taken, encoding="utf-8")
    config = load({}, tmp_path / ".env")
    assert entries()["BOT_TOKEN"][4] in config.secrets()
    assert config.providers["example"].api_key is not None


def test_the_documentation_names_every_setting_with_its_default():
    rows = {row[1]: row[2] for row in re.finditer(r"^\| `([A-Z_]+)` \|[^|]+\| ([^|]+) \|", DOCS, re.MULTILINE)}
    assert set(rows) == SETTINGS | OPTIONS
    for name in SETTINGS - OPTIONS:
        assert rows[name].strip("`") == shown_defaults()[name]
    for name in FILES:
        assert name.replace("EXAMPLE", "<NAME>") in DOCS
