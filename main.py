"""The way in: `python main.py --help` lists the commands. `make run` sets everything up first."""

import sys
from importlib.util import find_spec

NEEDED = (
    "aiosqlite",
    "apscheduler",
    "babel",
    "fastapi",
    "fastapi_offline",
    "httpx",
    "httpx_aiohttp",
    "phonenumbers",
    "pydantic_settings",
    "python_multipart",
    "rapidfuzz",
    "telegram",
    "uvicorn",
)
"""One module of each runtime dependency; uvloop is optional."""


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036
        print("codepigeon needs Python 3.11 or newer: use 'make PYTHON=python3.11 run'", file=sys.stderr)
        return 2
    if any(find_spec(module) is None for module in NEEDED):
        print("codepigeon is not set up here: use 'make run'", file=sys.stderr)
        return 2
    from bot.cli import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
