"""`python -m bot.domain.codes`, as a program."""

import json
import subprocess
import sys


def run(given: bytes, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "bot.domain.codes", *arguments]
    return subprocess.run(command, input=given, capture_output=True, timeout=30, check=False)


def test_each_line_in_gives_a_line_out() -> None:
    done = run("Your code is 482910\nSee you at 10:30\nКод: 123-456\n".encode())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"482910\n\n123456\n", b"")


def test_a_last_line_without_its_end_is_read_too() -> None:
    assert run(b"G-482910 is your Google code").stdout == b"482910\n"


def test_no_input_gives_no_output() -> None:
    assert run(b"").stdout == b""
    assert run(b"", "--json").stdout == b""


def test_json_takes_texts_of_several_lines_between_nul_bytes() -> None:
    given = b"Your code:\n482910\0Nothing here\0Tap to sign in: https://example.com/login/8sKq2?t=1\0"
    objects = [json.loads(line) for line in run(given, "--json").stdout.splitlines()]
    assert [(found["code"], found["kind"]) for found in objects] == [
        ("482910", "digits"),
        (None, None),
        ("https://example.com/login/8sKq2?t=1", "link"),
    ]
    assert [0.5 <= found["confidence"] <= 1 for found in objects] == [True, False, True]


def test_bytes_that_are_no_utf_8_stop_nothing() -> None:
    done = run(b"\xff\xfe\x80\nYour code is 482910 \xc3\n")
    assert (done.returncode, done.stdout) == (0, b"\n482910\n")


def test_a_reader_that_goes_away_causes_no_complaint() -> None:
    command = [sys.executable, "-m", "bot.domain.codes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.close()
        _, complaint = program.communicate(b"Your code is 482910\n" * 20_000, timeout=30)
    assert (program.returncode, complaint) == (1, b"")
