"""Settings for the whole suite, and the figures that its tests measured, printed at its end."""

import os
from collections.abc import Callable

import pytest

os.environ.setdefault("PTB_TIMEDELTA", "1")  # python-telegram-bot warns on every 429 otherwise; the program sets it too

FIGURES = "figures"


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Takes a heading and a line, for the end of the run; also where several processes share the tests."""
    return lambda heading, line: request.node.user_properties.append((FIGURES, (heading, line)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    said: dict[str, list[str]] = {}
    for report in (report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)):
        for name, value in report.user_properties if report.when == "call" else ():
            if name == FIGURES:
                heading, line = value
                said.setdefault(heading, []).append(line)
    for heading, lines in said.items():
        title, *head = heading.splitlines()
        terminalreporter.section(title)
        lines = [*head, *lines]
        for line in lines:
            terminalreporter.line(line)
