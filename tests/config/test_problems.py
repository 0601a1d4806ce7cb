"""Bad input: each sentence names its variable and the fix, and never repeats a value."""

from pathlib import Path

import pytest

from bot.config import ConfigError, load

MARKER = "Planted5ecret"
SANDBOX = {"PROVIDERS__A__KIND": "sandbox"}


def problems(environ: dict[str, str], env_file: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(environ, env_file)
    return caught.value.problems


def only_problem(environ: dict[str, str], env_file: Path | None = None) -> str:
    (problem,) = problems(environ, env_file)
    assert "\n" not in problem
    assert MARKER not in problem
    return problem


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BOT_TOKEN", MARKER, "@BotFather"),
        ("BOT_TOKEN", f"123456:{MARKER}", "@BotFather"),
        ("TELEGRAM_API_URL", MARKER, "https://"),
        ("TELEGRAM_API_URL", f"ftp://{MARKER}", "https://"),
        ("TELEGRAM_API_URL", f"https://{MARKER}:99999", "https://"),
        ("TELEGRAM_API_URL", f"https://u:{MARKER}@", "https://"),
        ("TELEGRAM_API_URL", f"https://[{MARKER}", "https://"),
        ("TELEGRAM_API_URL", f"https://a b{MARKER}", "https://"),
        ("TELEGRAM_API_URL", f"https://a/?k={MARKER}", "remove"),
        ("TELEGRAM_MODE", MARKER, "'polling' or 'webhook'"),
        ("TELEGRAM_RATE", MARKER, "a number"),
        ("TELEGRAM_RATE", "0", "more than 0"),
        ("TELEGRAM_RATE", "nan", "TELEGRAM_RATE=30"),
        ("TELEGRAM_RATE", "inf", "TELEGRAM_RATE=30"),
        ("PUBLIC_URL", f"https://u:{MARKER}@bot.example.org", "password"),
        ("HTTP_HOST", f"http://{MARKER}", "127.0.0.1"),
        ("HTTP_PORT", MARKER, "whole number"),
        ("HTTP_PORT", "65536", "65535 or less"),
        ("HTTP_PORT", "-1", "0 or more"),
        ("TRUSTED_PROXIES", MARKER, "a host name is none"),
        ("TRUSTED_PROXIES", "*", "a host name is none"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "write 10.0.0.0/8"),
        ("TRUSTED_PROXIES", "127.0.0.1,0.0.0.0/0", "the proxy's own address"),
        ("TRUSTED_PROXIES", "::/0", "the proxy's own address"),
        ("TRUSTED_PROXIES", "::ffff:0.0.0.0/96", "the proxy's own address"),
        ("DATABASE_URL", f"postgresql://u:{MARKER}@db/x", "not supported yet"),
        ("DATABASE_URL", f"postgres://u:{MARKER}@db/x", "not supported yet"),
        ("DATABASE_URL", f"mysql://u:{MARKER}@db/x", "sqlite:///data/codepigeon.db"),
        ("DATABASE_URL", "sqlite://data.db", "sqlite:///data/codepigeon.db"),
        ("DATABASE_URL", "sqlite:///", "sqlite:///data/codepigeon.db"),
        ("DATABASE_URL", "sqlite:///:memory:", "a file"),
        ("DATABASE_URL", "sqlite:///a.db?mode=ro", "without options"),
        ("DATABASE_URL", "sqlite:///data/", "a file"),
        ("ADMIN_IDS", f"1,{MARKER}", "commas"),
        ("ADMIN_IDS", "-100123", "commas"),
        ("ADMIN_IDS", "0", "commas"),
        ("ADMIN_IDS", "1 2", "commas"),
        ("ACCESS", MARKER, "'private' or 'open'"),
        ("BILLING", MARKER, "'off' or 'prepaid'"),
        ("CURRENCY", MARKER, "ISO 4217"),
        ("CURRENCY", "ABC", "ISO 4217"),
        ("LIMIT_ACTIVE_NUMBERS", "0", "1 or more"),
        ("LIMIT_PURCHASES_PER_MINUTE", MARKER, "whole number"),
        ("LIMIT_PURCHASES_PER_DAY", "1.5", "LIMIT_PURCHASES_PER_DAY=100"),
        ("LIMIT_PURCHASES_PER_DAY", "9" * 5000, "LIMIT_PURCHASES_PER_DAY=100"),
        ("SMS_RETENTION_DAYS", "-1", "0 or more"),
        ("BACKUP_DIR", f"s3://{MARKER}", "the path of a folder"),
        ("BACKUP_KEEP", "-1", "0 or more"),
        ("BACKUP_KEEP", "3651", "3650 or less"),
        ("BACKUP_KEEP", MARKER, "BACKUP_KEEP=7"),
        ("MARKUP_PERCENT", MARKER, "a number"),
        ("MARKUP_PERCENT", "-0.1", "0 or more"),
        ("MARKUP_PERCENT", "1000.01", "1000 or less"),
        ("MARKUP_PERCENT", "nan", "MARKUP_PERCENT=15"),
        ("DEMO_BALANCE", MARKER, "amount"),
        ("DEMO_BALANCE", "-1", "0 or more"),
        ("DEMO_BALANCE", "0.00001", "amount"),
        ("LOG_FORMAT", MARKER, "'text' or 'json'"),
        ("LOG_LEVEL", MARKER, "'DEBUG'"),
        ("PROVIDERS__A__KIND", MARKER, "use one of sandbox"),
        ("PROVIDERS__A__URL", MARKER, "https://"),
        ("PROVIDERS__A__API_KEY", f"{MARKER} {MARKER}", "one word"),
        ("PROVIDERS__A__WEBHOOK_SECRET", MARKER, "16"),
        ("PROVIDERS__A__WEBHOOK_SECRET", f"{MARKER}/0123456789", "openssl rand"),
        ("PROVIDERS__A__WEBHOOK_SECRET", f"whsec_{MARKER}0123456789+/=", "(that is WEBHOOK_SIGNING_SECRET)"),
        ("PROVIDERS__A__WEBHOOK_SIGNING_SECRET", MARKER, "16 letters or more"),
        ("PROVIDERS__A__WEBHOOK_SIGNING_SECRET", f"0123456789abcdef {MARKER}", "16 letters or more"),
        ("PROVIDERS__A__WEBHOOK_SIGNING_SECRET", f"0123456789abcdef\x00{MARKER}", "16 letters or more"),
        ("PROVIDERS__A__WEBHOOK_SIGNING_SECRET", f"whsec_{MARKER}", "whsec_ and Base64"),
        ("PROVIDERS__A__WEBHOOK_SIGNING_SECRET", f"whsec_{MARKER}-_0123456789abcdef", "whsec_ and Base64"),
        ("PROVIDERS__A__WEBHOOK_FROM", MARKER, "a host name is none"),
        ("PROVIDERS__A__WEBHOOK_FROM", f"192.0.2.1,{MARKER}.example.org", "a host name is none"),
        ("PROVIDERS__A__WEBHOOK_FROM", "192.0.2.1 192.0.2.2", "commas between"),
        ("PROVIDERS__A__WEBHOOK_FROM", "192.0.2.1,", "commas between"),
        ("PROVIDERS__A__WEBHOOK_FROM", ",", "commas between"),
        ("PROVIDERS__A__WEBHOOK_FROM", "192.0.2.0/33", "such as 192.0.2.7,198.51.100.0/24"),
        ("PROVIDERS__A__WEBHOOK_FROM", "192.0.2.256", "such as 192.0.2.7,198.51.100.0/24"),
        ("PROVIDERS__A__WEBHOOK_FROM", "192.0.2.1:443", "such as 192.0.2.7,198.51.100.0/24"),
        ("PROVIDERS__A__WEBHOOK_FROM", "fe80::1%eth0", "such as 192.0.2.7,198.51.100.0/24"),
        ("PROVIDERS__A__WEBHOOK_FROM", "192.0.2.77/24", "write 192.0.2.0/24 for that network"),
        ("PROVIDERS__A__WEBHOOK_FROM", "2001:db8::1/32", "write 2001:db8::/32 for that network"),
        ("PROVIDERS__A__CURRENCY", MARKER, "ISO 4217"),
        ("PROVIDERS__A__CURRENCY", "EUR", "PROVIDERS__A__RATE is missing"),
        ("PROVIDERS__A__RATE", MARKER, "a number"),
        ("PROVIDERS__A__RATE", "0", "more than 0"),
        ("PROVIDERS__A__RATE", "NaN", "PROVIDERS__A__RATE=1.08"),
        ("PROVIDERS__A__MAX_IN_FLIGHT", "0", "1 or more"),
        ("PROVIDERS__A__TIMEOUT_S", "0", "more than 0"),
        ("PROVIDERS__A__KINDD", MARKER, "Did you mean KIND?"),
        ("PROVIDERS__A__api_key", MARKER, "Did you mean API_KEY?"),
        ("PROVIDERS__A__B__KIND", MARKER, "Did you mean KIND?"),
        ("PROVIDERS__A__COLOUR", MARKER, "Use one of KIND, URL,"),
        ("PROVIDERS__A", MARKER, "no option"),
        ("PROVIDERS____KIND", MARKER, "<NAME>"),
        ("PROVIDERS__é__KIND", MARKER, "<NAME>"),
        ("Providers__A__KIND", MARKER, "rename it"),
    ],
)
def test_a_bad_value_gets_one_sentence_with_the_fix(name: str, value: str, says: str):
    problem = only_problem({**SANDBOX, name: value})
    variable = "PROVIDERS__A__RATE" if says.startswith("PROVIDERS__A__RATE is") else name
    assert problem.startswith(variable)
    assert says in problem


def test_a_signing_secret_is_refused_where_nothing_is_ever_signed():
    secret = f"{MARKER}0123456789"
    environ = {"PROVIDERS__A__KIND": "fivesim", "PROVIDERS__A__API_KEY": "k"}
    problem = only_problem({**environ, "PROVIDERS__A__WEBHOOK_SIGNING_SECRET": secret})
    assert problem == (
        "PROVIDERS__A__WEBHOOK_SIGNING_SECRET is of no use, since KIND=fivesim signs nothing: remove it."
    )


def test_a_provider_without_a_kind_is_told_to_have_one():
    assert only_problem({"PROVIDERS__Acme__API_KEY": MARKER}) == (
        "PROVIDERS__ACME__KIND is missing, for example PROVIDERS__ACME__KIND=sandbox."
    )


def test_webhooks_need_an_address_over_https():
    for environ in ({}, {"PUBLIC_URL": "http://bot.example.org"}):
        problem = only_problem({"TELEGRAM_MODE": "webhook", **environ})
        assert problem.startswith("TELEGRAM_MODE is webhook")
        assert "PUBLIC_URL=https://" in problem
    assert load({"TELEGRAM_MODE": "webhook", "PUBLIC_URL": "https://bot.example.org"}, None)


def test_a_bad_address_is_not_complained_of_twice():
    assert only_problem({"TELEGRAM_MODE": "webhook", "PUBLIC_URL": MARKER}).startswith("PUBLIC_URL")


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path):
    (tmp_path / ".env").write_text(f"BOT_TOKN={MARKER}\n{MARKER}\n")
    found = problems(
        {
            "BOT_TOKEN": MARKER,
            "BOT_TOKEN_FILE": MARKER,
            "HTTP_PORT": MARKER,
            "TELEGRAM_MODE": "webhook",
            "PROVIDERS__A__KIND": MARKER,
            "PROVIDERS__A__KEY": MARKER,
            "PROVIDERS__B__KIND": "sandbox",
            "PROVIDERS__B__CURRENCY": "EUR",
        },
        tmp_path / ".env",
    )
    beginnings = (
        "PROVIDERS__A__KEY",
        "BOT_TOKN",
        str(tmp_path / ".env"),
        "BOT_TOKEN and BOT_TOKEN_FILE",
        "BOT_TOKEN is not a bot token",
        "TELEGRAM_MODE",
        "HTTP_PORT",
        "PROVIDERS__A__KIND",
        "PROVIDERS__B__RATE",
    )
    assert len(found) == len(beginnings)
    assert all(any(problem.startswith(beginning) for problem in found) for beginning in beginnings)
    assert MARKER not in " ".join(found)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("BOT_TOKN=x", "BOT_TOKN (.env line 3) is no setting. Did you mean BOT_TOKEN?"),
        ("bot_token=x", "Did you mean BOT_TOKEN?"),
        ("PROVIDER__ACME__KIND=sandbox", "Did you mean PROVIDERS__<NAME>__KIND?"),
        ("QUITE_DIFFERENT=x", "QUITE_DIFFERENT (.env line 3) is no setting: remove it"),
        (f"{MARKER}=x", ".env line 3 is no setting: remove it"),
        ("PROVIDERS__A__KINDS=sandbox", "Did you mean KIND?"),
        (MARKER, ".env line 3 is not of the form NAME=value"),
        (f"BOT_TOKEN {MARKER}", ".env line 3 is not of the form NAME=value"),
        (f"TOPUP_TEXT='{MARKER}", ".env line 3 is not of the form NAME=value"),
    ],
)
def test_a_line_of_the_file_that_is_no_setting_is_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, says: str
):
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text(f"# a comment\n\n{line}\nHTTP_PORT=1\n")
    assert says in only_problem({}, Path(".env"))


def test_the_same_setting_twice_in_the_file_is_not_guessed_about(tmp_path: Path):
    (tmp_path / ".env").write_text(f"TOPUP_TEXT={MARKER}\nTOPUP_TEXT=two\n")
    assert only_problem({}, tmp_path / ".env") == "TOPUP_TEXT is set twice: keep one of them."


def test_two_spellings_of_the_same_provider_are_not_guessed_about():
    environ = {**SANDBOX, "PROVIDERS__A__API_KEY": MARKER, "PROVIDERS__a__API_KEY": MARKER + "2"}
    assert only_problem(environ) == (
        "PROVIDERS__a__API_KEY and PROVIDERS__A__API_KEY are the same setting: keep one of them."
    )


def test_a_secret_and_its_file_are_not_both_taken(tmp_path: Path):
    (tmp_path / "key").write_text(MARKER)
    environ = {**SANDBOX, "PROVIDERS__A__API_KEY": MARKER, "PROVIDERS__a__API_KEY_FILE": str(tmp_path / "key")}
    assert only_problem(environ) == (
        "PROVIDERS__A__API_KEY and PROVIDERS__a__API_KEY_FILE are both set: keep one of them."
    )


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_secret_file_that_holds_no_secret_is_pointed_out(tmp_path: Path, content: bytes | None):
    path = tmp_path / MARKER
    if content is not None:
        path.write_bytes(content)
    problem = only_problem({"BOT_TOKEN_FILE": str(path)})
    assert problem.startswith("BOT_TOKEN_FILE names a")
    assert "give a path" in problem or "put the secret" in problem


def test_a_bad_secret_from_a_file_is_reported_under_the_file_s_variable(tmp_path: Path):
    (tmp_path / "token").write_text(MARKER)
    assert only_problem({"BOT_TOKEN_FILE": str(tmp_path / "token")}).startswith("BOT_TOKEN_FILE is not a bot token")


def test_a_settings_file_that_cannot_be_read_is_one_sentence(tmp_path: Path):
    assert "cannot be read" in only_problem({}, tmp_path)
    (tmp_path / ".env").write_bytes(b"BOT_TOKEN=\xff" + MARKER.encode())
    assert "UTF-8" in only_problem({}, tmp_path / ".env")
