"""The size check finds what is too large, and counts as it says."""

from pathlib import Path

import pytest

from tests import figures


def test_a_function_counts_from_def_to_its_last_line_with_its_docstring(tmp_path: Path):
    (tmp_path / "a.py").write_text(
        '@decorated\ndef f():\n    """Two\n    lines."""\n    return 1\n\n\nclass A:\n    async def g(self): ...\n'
    )
    lengths = {length.place: length.lines for length in figures.function_lengths(tmp_path, tmp_path / "a.py")}
    assert lengths == {"a.py:2 f": 4, "a.py:9 g": 1}


def test_too_long_a_file_or_function_fails_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "bot").mkdir()
    (tmp_path / "main.py").write_text("x = 1\n")
    (tmp_path / "bot" / "long.py").write_text("x = 1\n" * 301)
    (tmp_path / "bot" / "deep.py").write_text("def f():\n" + "    x = 1\n" * 50)
    (tmp_path / "bot" / "fine.py").write_text("def f():\n" + "    x = 1\n" * 49)
    assert figures.main(tmp_path) == 1
    printed = capsys.readouterr().out
    assert "bot/long.py: 301 lines, 300 at most" in printed
    assert "bot/deep.py:1 f: 51 lines, 50 at most" in printed
    assert "fine.py" not in printed


def test_code_within_the_limits_passes_and_the_figures_are_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "bot").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "main.py").write_text("def f():\n    return 1\n")
    (tmp_path / "bot" / "a.py").write_text("x = 1\n" * 4)
    (tmp_path / "tests" / "test_a.py").write_text("x = 1\n" * 9)
    assert figures.main(tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [
        "files      2, 6 lines: median 3, p90 4, max 4",
        "functions  1: median 2, p90 2, max 2",
        "tests      1 files, 9 lines; tests : code 1.5 : 1",
        "all within the limits",
    ]
