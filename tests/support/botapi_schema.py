"""Does a request keep to the Bot API? Checked against its machine-readable description."""

import json
from functools import cache
from pathlib import Path
from typing import Any

SPEC = Path(__file__).parents[1] / "data" / "bot-api-10.1.json"

NEWER: dict[str, dict[str, list[str]]] = {
    "InlineKeyboardButton": {"disabled": ["Object"]},
    "BotCommand": {"is_ephemeral": ["Boolean"]},
    "sendMessage": {"ephemeral_message_parameters": ["Object"]},
}
"""Fields of 10.2 and 10.3 that the description lacks: type or method, field, types."""

PLAIN = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
    "True": (bool,),
    "Object": (dict,),
}


@cache
def _spec() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SPEC.read_text("utf-8"))
    return found


@cache
def _method_names() -> dict[str, str]:
    return {name.lower(): name for name in _spec()["methods"]}


def check(method: str, params: dict[str, Any]) -> list[str]:
    """What is wrong with a request whose parameters are decoded (see Recorded): a sentence each, or none."""
    name = _method_names().get(method.lower())
    if name is None:
        return [f"{method}: there is no such method"]
    return _fields(name, _spec()["methods"][name].get("fields", []), params)


def _fields(owner: str, known: list[dict[str, Any]], given: dict[str, Any]) -> list[str]:
    types = {field["name"]: field["types"] for field in known} | NEWER.get(owner, {})
    missing = [field["name"] for field in known if field["required"] and field["name"] not in given]
    problems = [f"{owner}: {name} is required" for name in missing]
    for name, value in given.items():
        if name not in types:
            problems.append(f"{owner}: there is no {name}")
        else:
            problems += _value(f"{owner}.{name}", types[name], value)
    return problems


def _value(where: str, types: list[str], value: Any) -> list[str]:
    """The problems of the type that fits best."""
    attempts = [_of_type(where, kind, value) for kind in types]
    return min(attempts, key=lambda problems: (len(problems), _is_misfit(problems)))


def _is_misfit(problems: list[str]) -> bool:
    """A wrong kind of value says less than a wrong field inside the right kind."""
    return any(" is no " in problem for problem in problems)


def _of_type(where: str, kind: str, value: Any) -> list[str]:
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{where}: {_short(value)} is no {kind}"]
        inner = kind.removeprefix("Array of ")
        return [p for i, item in enumerate(value) for p in _value(f"{where}[{i}]", [inner], item)]
    if kind in PLAIN:
        wrong_bool = isinstance(value, bool) and bool not in PLAIN[kind]
        return [] if isinstance(value, PLAIN[kind]) and not wrong_bool else [f"{where}: {_short(value)} is no {kind}"]
    if kind == "InputFile":
        return [] if isinstance(value, dict) and "file_size" in value else [f"{where}: {_short(value)} is no file"]
    return _object(where, kind, value)


def _object(where: str, kind: str, value: Any) -> list[str]:
    described = _spec()["types"][kind]
    if not isinstance(value, dict):
        return [f"{where}: {_short(value)} is no {kind}"]
    if subtypes := described.get("subtypes"):
        return min((_object(where, subtype, value) for subtype in subtypes), key=len)
    return [f"{where}: {problem}" for problem in _fields(kind, described.get("fields", []), value)]


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."
