"""Secrets that stand in files of their own: `BOT_TOKEN_FILE=/run/secrets/token` and the like."""

from pathlib import Path

from bot.config.variables import Variables

_SUFFIX = "_FILE"


def read_secret_files(variables: Variables) -> None:
    """Replace each `<NAME>_FILE` by a `<NAME>` with the file's stripped content; what cannot be goes to problems."""
    for key in [key for key in variables.values if key.endswith(_SUFFIX)]:
        path, spelled = variables.values.pop(key), variables.spelled[key]
        plain = key.removesuffix(_SUFFIX)
        if plain in variables.values:
            variables.problems.append(f"{variables.spelled[plain]} and {spelled} are both set: keep one of them.")
            continue
        content, problem = _content(path)
        if problem:
            variables.problems.append(f"{spelled} {problem}")
            continue
        variables.values[plain], variables.spelled[plain] = content, spelled


def _content(path: str) -> tuple[str, str]:
    """What stands in the file, or what is wrong with it. The path is not repeated: it may be a misplaced secret."""
    try:
        content = Path(path).read_text(encoding="utf-8").strip()
    except (UnicodeDecodeError, ValueError):
        return "", "names a file that is not text in UTF-8: put the secret alone into it."
    except OSError as error:
        why = error.strerror or "error"
        return "", f"names a file that cannot be read ({why}): give a path that this user may read."
    return content, "" if content else "names an empty file: put the secret into it."
