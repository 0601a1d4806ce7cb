"""The family's words for what goes wrong, and which of them a refusal of ours is."""

from bot.domain.errors import (
    CancelTooEarly,
    CodepigeonError,
    Denied,
    Gone,
    KeyReused,
    LimitReached,
    NoAnswer,
    NoNumbers,
    NoOffer,
    NotAgain,
    NotFound,
    NothingToSell,
    NotInvited,
    NotRefundable,
    OutOfScope,
    PriceRisen,
    ProviderError,
    Refusal,
    Throttled,
    TooLittleMoney,
    Unauthorized,
    WrongState,
)
from bot.web.compat.shapes import amount

OUR_FAULT = "ERROR_SQL"
"""Something broke here: what the call did is not known. Said of nothing else."""
NOT_NOW = "SERVER_ERROR"
"""A supplier behind does not answer, or has not decided yet: ask again what became of it. With HTTP 503: the program
stops, or nothing can be saved."""

_WORDS: tuple[tuple[type[CodepigeonError], str], ...] = (
    (Unauthorized, "BAD_KEY"),
    (NotInvited, "BAD_KEY"),
    (OutOfScope, "BAD_KEY"),
    (TooLittleMoney, "NO_BALANCE"),
    (LimitReached, "CHANNELS_LIMIT"),
    (NoOffer, "NO_NUMBERS"),
    (NothingToSell, "NO_NUMBERS"),
    (NoNumbers, "NO_NUMBERS"),
    (PriceRisen, "NO_NUMBERS"),
    (NotFound, "NO_ACTIVATION"),
    (Gone, "NO_ACTIVATION"),
    (CancelTooEarly, "EARLY_CANCEL_DENIED"),
    (KeyReused, "ORDER_ALREADY_EXISTS"),
    (NotAgain, "RENEW_ACTIVATION_NOT_AVAILABLE"),
    (WrongState, "BAD_STATUS"),
    (NotRefundable, "BAD_STATUS"),
    (Denied, "BAD_STATUS"),
    (Throttled, NOT_NOW),
    (Refusal, "BAD_ACTION"),
)


class Word(Exception):
    """What is said instead of an answer: a word, with what follows its colon."""


_OF_RENTALS = {"NO_ACTIVATION": "NO_ID_RENT", "BAD_STATUS": "RENT_DIE"}


def of_rental(word: str) -> str:
    """Rentals have other words for some things."""
    return _OF_RENTALS.get(word, word)


def not_sold(error: ProviderError) -> Word:
    """Why nothing was bought. What is amiss at a supplier's is nothing to the caller: none is left, for now."""
    return Word(word_of(error) if isinstance(error, PriceRisen | NoAnswer) else "NO_NUMBERS")


def word_of(error: CodepigeonError) -> str:
    """Every other fault of a supplier is NOT_NOW."""
    if isinstance(error, PriceRisen) and error.price is not None:
        return f"WRONG_MAX_PRICE:{amount(error.price)}"
    return next((word for kind, word in _WORDS if isinstance(error, kind)), NOT_NOW)
