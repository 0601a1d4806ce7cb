"""Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id, timestamp and body, by the standard library."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from bot.providers.base import BadWebhook, WebhookRequest

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_S = 300
_PREFIX = "whsec_"


class BadSignature(Exception):
    """Missing, wrong, or signed too long ago."""


def sign(secret: str, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers to send with `body`. A secret is `whsec_` and base64, or any text taken as it is."""
    return {
        ID: message_id,
        TIMESTAMP: str(timestamp_s),
        SIGNATURE: "v1," + _digest(secret, message_id, str(timestamp_s), body),
    }


def is_signed(secrets: tuple[str, ...], request: WebhookRequest, now_s: int) -> bool:
    """False where there is no secret to check by. Raises BadWebhook, forged, where none of them signed it."""
    if not secrets:
        return False
    try:
        verify(secrets, request.headers, request.body, now_s)
    except BadSignature as why:
        raise BadWebhook(str(why), forged=True) from None
    return True


def verify(secrets: tuple[str, ...], headers: Mapping[str, str], body: bytes, now_s: int) -> None:
    """Raises BadSignature unless one of the header's signatures is of one of `secrets`, within TOLERANCE_S of now."""
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 15):
        raise BadSignature("not signed")
    expected = [_digest(secret, message_id, timestamp, body).encode() for secret in secrets]
    given = [part[3:].encode() for part in headers.get(SIGNATURE, "").split(" ") if part.startswith("v1,")]
    if not any(hmac.compare_digest(one, other) for one in expected for other in given):
        raise BadSignature("wrong signature")
    if abs(now_s - int(timestamp)) > TOLERANCE_S:
        raise BadSignature("signed too long ago, or ahead")


def _digest(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    content = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(_key(secret), content, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()
