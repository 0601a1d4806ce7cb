"""What the server answers when it refuses, and what a client would not let its user do."""

from typing import Any


class ApiError(Exception):
    """A refusal: `code` is both the HTTP status and `error_code`; `parameters` is ResponseParameters."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


class PersonError(Exception):
    """A Telegram client would not let its user do this: the button is gone, the bot is blocked, the text too long."""


def bad_request(text: str) -> ApiError:
    """`text` follows `Bad Request: ` as it is; Telegram lowers the first letter of a sentence, not of a CODE."""
    return ApiError(400, f"Bad Request: {text}")


def forbidden(text: str) -> ApiError:
    return ApiError(403, f"Forbidden: {text}")


def too_many_requests(retry_after_s: int) -> ApiError:
    return ApiError(429, f"Too Many Requests: retry after {retry_after_s}", retry_after=retry_after_s)


OLD_QUERY = "query is too old and response timeout expired or query ID is invalid"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
