"""What is said when something breaks here: still a word that an old client can read."""

import logging
from pathlib import Path

import pytest

from bot.domain.errors import (
    BadKey,
    CancelTooEarly,
    Denied,
    Gone,
    LimitReached,
    NoAnswer,
    NoNumbers,
    NoOffer,
    NotFound,
    OldButton,
    PriceRisen,
    ProviderFault,
    Throttled,
    TooLittleMoney,
    WrongState,
)
from bot.domain.keys import Caller, Scope
from bot.domain.people import Role, User
from bot.web.api.errors import stopping
from bot.web.compat.face import Action, Face
from bot.web.compat.params import Params
from bot.web.compat.words import not_sold, word_of
from storage.db import Fault, StorageDown

ADA = Caller(User(7, "Ada", "", "en", Role.MEMBER, False, 0), Scope.FULL, 1)


async def admit(key: str) -> Caller:
    return ADA


async def breaks(who: Caller, p: Params) -> str:
    raise RuntimeError("planted-detail")


async def test_what_breaks_here_is_error_sql_and_is_logged(caplog: pytest.LogCaptureFixture):
    face = Face({"getStatus": Action(breaks), "getRentStatus": Action(breaks, rental=True)})
    given = {"api_key": "cpk_planted", "action": "getStatus"}
    with caplog.at_level(logging.ERROR):
        assert (await face.answer(given, admit)).text == "ERROR_SQL"
        rental = await face.answer({**given, "action": "getRentStatus"}, admit)
    assert rental.text == '{"status":"error","message":"ERROR_SQL"}'
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "cpk_planted" not in caplog.text


@pytest.mark.parametrize("error", [stopping(), StorageDown(Fault.FULL, Path("planted.db"))])
async def test_while_the_program_stops_or_cannot_save_it_is_said_so_and_not_logged_at_each_call(
    error: Exception, caplog: pytest.LogCaptureFixture
):
    async def fails(who: Caller, p: Params) -> str:
        raise error

    face = Face({"getNumber": Action(fails, changes=True), "getRentNumber": Action(fails, changes=True, rental=True)})
    said = await face.answer({"api_key": "k", "action": "getNumber"}, admit)
    assert (said.text, said.status, said.retry_after_s) == ("SERVER_ERROR", 503, 15)
    rental = await face.answer({"api_key": "k", "action": "getRentNumber"}, admit)
    assert (rental.text, rental.status) == ('{"status":"error","message":"SERVER_ERROR"}', 503)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (TooLittleMoney(5), "NO_BALANCE"),
        (LimitReached("active_numbers", 1), "CHANNELS_LIMIT"),
        (NoOffer(), "NO_NUMBERS"),
        (NotFound(), "NO_ACTIVATION"),
        (Gone(), "NO_ACTIVATION"),
        (WrongState(), "BAD_STATUS"),
        (Denied(), "BAD_STATUS"),
        (CancelTooEarly(5), "EARLY_CANCEL_DENIED"),
        (PriceRisen(4200), "WRONG_MAX_PRICE:0.42"),
        (PriceRisen(), "NO_NUMBERS"),
        (Throttled(), "SERVER_ERROR"),
        (ProviderFault(), "SERVER_ERROR"),
        (NoAnswer(), "SERVER_ERROR"),
        (BadKey(), "SERVER_ERROR"),
        (OldButton(), "BAD_ACTION"),
    ],
)
def test_every_refusal_has_its_word(error: Exception, word: str):
    assert word_of(error) == word


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (NoNumbers(), "NO_NUMBERS"),
        (BadKey(), "NO_NUMBERS"),
        (ProviderFault(), "NO_NUMBERS"),
        (Throttled(), "NO_NUMBERS"),
        (PriceRisen(4200), "WRONG_MAX_PRICE:0.42"),
        (NoAnswer(), "SERVER_ERROR"),
    ],
)
def test_a_purchase_that_surely_failed_is_told_from_one_that_may_have_happened(error: Exception, word: str):
    assert str(not_sold(error)) == word
