"""What the control API takes: the bodies and path parameters of its calls, with their limits."""

from typing import Annotated, Literal, TypeAlias

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from bot.demo.telegram.faults import KINDS


class Body(BaseModel):
    """Unknown fields are refused, so that a misspelt one is not silently without effect."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


Language: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]


class NewUser(Body):
    name: str = Field(min_length=1, max_length=64)
    language: Language = "en"


class Said(Body):
    text: str = Field(min_length=1, max_length=4096)


class Pressed(Body):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    message_id: int = Field(ge=1, lt=2**31)
    data: str = Field(min_length=1, max_length=64)


class Paid(Body):
    message_id: int = Field(ge=1, lt=2**31)


class Spoken(Body):
    language: Language


class NewSms(Body):
    """At most ten joined SMS of 153 characters."""

    sender: str = Field(min_length=1, max_length=32)
    text: str = Field(min_length=1, max_length=1530)


class Supply(Body):
    mode: Literal["normal", "slow", "empty", "down"]


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"one of {', '.join(sorted(KINDS))}")
    return kind


class Fault(Body):
    """`chat_id` narrows it to one chat; `retry_after` is in seconds, for 429; `delay_s` is for timeout_after."""

    method: str = Field(default="*", pattern=r"^(\*|[A-Za-z]{1,64})$")
    kind: Annotated[str, AfterValidator(_known_kind)]
    times: int = Field(default=1, ge=1, le=1000)
    chat_id: int | None = None
    retry_after: int = Field(default=1, ge=1, le=3600)
    description: str | None = Field(default=None, max_length=512)
    delay_s: float = Field(default=30.0, ge=0, le=600)


UserId: TypeAlias = Annotated[int, Path(ge=1, lt=2**53)]
Phone: TypeAlias = Annotated[str, Path(pattern=r"^\+?[0-9]{4,20}$")]
