"""The kill matrix's table, at the end of the test run."""

import pytest

from tests.chaos.matrix import HEADING

LINES = pytest.StashKey[list[str]]()


@pytest.fixture
def table(request: pytest.FixtureRequest) -> list[str]:
    """Lines to be printed at the end."""
    return request.config.stash.setdefault(LINES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(LINES, [])
    if lines:
        terminalreporter.section("kill matrix")
        terminalreporter.line(HEADING)
        for line in lines:
            terminalreporter.line(line)
