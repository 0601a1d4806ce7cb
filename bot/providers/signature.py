"""Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id, timestamp and body, by the standard library."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

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


def verify(secret: str, headers: Mapping[str, str], body: bytes, now_s: int) -> None:
    """Raises BadSignature unless one of the header's signatures holds, made within TOLERANCE_S of now."""
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 15):
        raise BadSignature("not signed")
    expected = _digest(secret, message_id, timestamp, body).encode()
    given = [part[3:].encode() for part in headers.get(SIGNATURE, "").split(" ") if part.startswith("v1,")]
    if not any(hmac.compare_digest(expected, one) for one in given):
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
