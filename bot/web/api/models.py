"""The shapes of answers, for the OpenAPI document; docs/api.md says what each field means."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Time: TypeAlias = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", examples=["2026-11-23T10:15:30.250Z"])
]
Money: TypeAlias = Annotated[str, Field(pattern=r"^-?\d+\.\d{4}$", examples=["0.3750"])]
State: TypeAlias = Literal["buying", "waiting", "received", "cancelling", "finished", "cancelled", "expired", "failed"]
Kind: TypeAlias = Literal["activation", "rental"]

NUMBER: dict[str, Any] = {
    "id": "n1842",
    "number": "+12025550143",
    "country": "US",
    "service": "wa",
    "service_name": "WhatsApp",
    "kind": "activation",
    "hours": 0,
    "state": "waiting",
    "price": "0.3750",
    "currency": "USD",
    "charged": False,
    "created_at": "2026-11-23T10:15:30.250Z",
    "expires_at": "2026-11-23T10:35:30.250Z",
    "closed_at": None,
    "cancel_from": "2026-11-23T10:17:30.250Z",
    "refund_until": None,
    "can_cancel": False,
    "can_finish": False,
    "can_another_code": False,
    "can_renew": False,
    "message_count": 0,
}
MESSAGE: dict[str, Any] = {
    "id": "s9911",
    "number_id": "n1842",
    "sender": "WhatsApp",
    "text": "Your code: 123-456",
    "code": "123456",
    "received_at": "2026-11-23T10:16:02.000Z",
}


PRICE: dict[str, Any] = {
    "service": "wa",
    "country": "US",
    "kind": "activation",
    "hours": 0,
    "price": "0.3750",
    "stock": 120,
}


def shown_as(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class Error(BaseModel):
    """What every refusal has; further fields stand beside, by its code."""

    status: Literal["error"]
    code: str
    message: str


class Success(BaseModel):
    status: Literal["success"]


class TokenAnswer(Success):
    model_config = shown_as(
        {
            "status": "success",
            "access_token": "cpt_9fQx",
            "token_type": "Bearer",
            "scope": "full",
            "expires_in": 3600,
            "expires_at": "2026-11-23T11:15:30.250Z",
        }
    )

    access_token: str = Field(examples=["cpt_9fQx"])
    token_type: Literal["Bearer"]
    scope: Literal["read", "full"]
    expires_in: int = Field(examples=[3600])
    expires_at: Time


class Number(BaseModel):
    model_config = shown_as(NUMBER)

    id: str
    number: str | None
    country: str
    service: str
    service_name: str
    kind: Kind
    hours: int
    state: State
    price: Money
    currency: str
    charged: bool
    created_at: Time
    expires_at: Time | None
    closed_at: Time | None
    cancel_from: Time | None
    refund_until: Time | None
    can_cancel: bool
    can_finish: bool
    can_another_code: bool
    can_renew: bool
    message_count: int


class NumberAnswer(Number):
    """The number as it is now; `pending` where the supplier has not decided yet (HTTP 202)."""

    model_config = shown_as({"status": "success", **NUMBER})

    status: Literal["success", "pending"]


class Message(BaseModel):
    model_config = shown_as(MESSAGE)

    id: str
    number_id: str
    sender: str
    text: str
    code: str | None
    received_at: Time


class MessagesAnswer(Success):
    model_config = shown_as(
        {
            "status": "success",
            "number": NUMBER["number"],
            "id": NUMBER["id"],
            "state": "received",
            "messages": [MESSAGE],
            "next_cursor": None,
        }
    )

    number: str | None
    id: str
    state: State
    messages: list[Message]
    next_cursor: str | None


class NumberInList(Number):
    messages: list[Message] = Field(default=[], description="Only where messages=1 was asked for.")


class NumbersAnswer(Success):
    model_config = shown_as({"status": "success", "numbers": [NUMBER], "next_cursor": None})

    numbers: list[NumberInList]
    next_cursor: str | None


class Price(BaseModel):
    service: str = Field(examples=["wa"])
    country: str = Field(examples=["US"])
    kind: Kind
    hours: int
    price: Money
    stock: int


class PricesAnswer(Success):
    model_config = shown_as({"status": "success", "currency": "USD", "prices": [PRICE], "next_cursor": None})

    currency: str
    prices: list[Price]
    next_cursor: str | None


class RenewalPriceAnswer(Success):
    id: str = Field(examples=["n1850"])
    hours: int
    price: Money
    currency: str
    expires_at: Time


class Service(BaseModel):
    code: str = Field(examples=["wa"])
    name: str = Field(examples=["WhatsApp"])
    aliases: list[str]


class Country(BaseModel):
    code: str = Field(examples=["US"])
    name: str = Field(examples=["USA"])
    dial: str = Field(examples=["1"])


class CatalogueAnswer(Success):
    services: list[Service]
    countries: list[Country]


class BalanceAnswer(Success):
    balance: Money = Field(examples=["12.5000"])
    held: Money = Field(examples=["0.3750"])
    currency: str = Field(examples=["USD"])


WEBHOOK: dict[str, Any] = {
    "id": "w3",
    "url": "https://example.org/codepigeon",
    "events": ["sms.received", "number.completed"],
    "state": "on",
    "off_reason": None,
    "failing_since": None,
    "created_at": "2026-11-23T10:15:30.250Z",
    "pending": 0,
    "failed": 0,
}
DELIVERY: dict[str, Any] = {
    "id": "d118",
    "event_id": "e7781",
    "type": "sms.received",
    "number_id": "n1842",
    "state": "delivered",
    "attempts": 1,
    "status_code": 200,
    "error": None,
    "created_at": "2026-11-23T10:16:02.100Z",
    "next_attempt_at": None,
    "done_at": "2026-11-23T10:16:02.350Z",
}


class Webhook(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [WEBHOOK]})

    id: str
    url: str
    events: list[str]
    state: Literal["on", "off"]
    off_reason: Literal["owner", "failing", "gone"] | None
    failing_since: Time | None
    created_at: Time
    pending: int
    failed: int


class Delivery(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [DELIVERY]})

    id: str
    event_id: str
    type: str
    number_id: str | None
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    status_code: int | None
    error: str | None
    created_at: Time
    next_attempt_at: Time | None
    done_at: Time | None


class WebhooksAnswer(Success):
    webhooks: list[Webhook]


class NewWebhookAnswer(Webhook):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "success", **WEBHOOK, "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="}]}
    )

    status: Literal["success"]
    secret: str


class ManagedWebhookAnswer(Webhook):
    """The webhook as it is now, or was when it was removed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "success", **WEBHOOK, "delivery": DELIVERY}]})

    status: Literal["success"]
    secret: str = Field(default="", description="Only after new_secret.")
    delivery: Delivery | None = Field(default=None, description="Only after test, and resend of one.")
    resent: int = Field(default=0, description="Only after resend.")


class DeliveriesAnswer(Success):
    deliveries: list[Delivery]
    next_cursor: str | None
