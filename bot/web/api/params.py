"""Parameters: how each is read, and what is said of it in the OpenAPI document. Nothing is guessed."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.domain.money import Units, parse_units
from bot.domain.time import Ms
from bot.providers.values import instant
from bot.web.api.auth import body_of
from bot.web.api.errors import ApiError, bad_request, of_validation

LONGEST_HOURS = 1344

M = TypeVar("M", bound=BaseModel)


def _whole(value: object) -> object:
    """The digits of a query as a number; `1e3`, `1.0` and ` 1` are none."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 9):
            raise ValueError("not a whole number")
        return int(value)
    return value


Whole: TypeAlias = Annotated[int, BeforeValidator(_whole)]
NameText: TypeAlias = Annotated[str, Field(min_length=1, max_length=80)]
IdText: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["n1842"])]
PhoneText: TypeAlias = Annotated[str, Field(pattern=r"^[+ ]?[1-9][0-9]{5,14}$", examples=["+12025550143"])]
MoneyText: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,4})?$", examples=["5.00"])]
CursorText: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,400}$")]
TimeText: TypeAlias = Annotated[str, Field(max_length=40, examples=["2026-11-23T10:15:30.250Z"])]
KindText: TypeAlias = Literal["activation", "rental"]
Hours = Field(ge=1, le=LONGEST_HOURS, description="Of a rental, or to add to one.")
IdempotencyKey: TypeAlias = Annotated[str, Field(pattern=r"^[ -~]{1,128}$")]


class Strict(BaseModel):
    """A JSON body: unknown fields are ignored, and nothing is taken for what it is not, such as "24" for 24."""

    model_config = ConfigDict(strict=True, extra="ignore")


def reads(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A dependency that reads the JSON body as `model`."""

    async def read(request: Request) -> M:
        try:
            return model.model_validate(await body_of(request))
        except ValidationError as error:
            raise of_validation(error.errors(include_url=False, include_input=False)) from None

    return read


def described(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """The OpenAPI part of a route that reads `model` from its body."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": required, "content": content}}


def amount(text: str | None) -> Units | None:
    return None if text is None else parse_units(text)


def moment(text: str | None, field: str) -> Ms:
    """0 where none is given."""
    try:
        return 0 if text is None else instant(text)
    except ValueError:
        raise bad_request(field, f"{field} is no RFC 3339 time.") from None


def number_of(text: str) -> int:
    """`"n17"` → 17; 0, which is nobody's, for what no number of ours is called."""
    digits = text[1:]
    if text[:1] != "n" or not (digits.isascii() and digits.isdigit() and len(digits) <= 15) or digits[0] == "0":
        return 0
    return int(digits)


def cursor_to(place: str) -> str:
    """Opaque to callers: where the next page begins."""
    return urlsafe_b64encode(place.encode()).rstrip(b"=").decode()


def place_of(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        raise no_cursor() from None


def id_at(cursor: str | None, otherwise: int) -> int:
    """The id that a cursor stands for."""
    if cursor is None:
        return otherwise
    place = place_of(cursor)
    if not (place.isascii() and place.isdigit() and len(place) <= 18):
        raise no_cursor()
    return int(place)


def no_cursor() -> ApiError:
    return bad_request("cursor", "cursor is none of ours.")
