"""What people type: services and countries in two languages, misspelt, among other words, and what is none of it."""

import time
from functools import cache

import pytest

from bot.domain.catalogue import Catalogue, LiveCatalogue
from bot.services.search import MOST_WORDS, Search
from bot.texts import Texts


def a_search(catalogue: LiveCatalogue) -> Search:
    texts = Texts.load()
    return Search(catalogue, lambda iso2: [texts.of(one).country(iso2) for one in texts.languages])


@cache
def search() -> Search:
    return a_search(LiveCatalogue(Catalogue.shipped()))


@pytest.mark.parametrize(
    ("typed", "service", "country"),
    [
        ("whatsapp", "wa", None),
        ("whatsap", "wa", None),
        ("WhatsUp", "wa", None),
        ("ватсап", "wa", None),
        ("ватцап сша", "wa", "US"),
        ("wa de", "wa", "DE"),
        ("whatsap germny", "wa", "DE"),
        ("whatsapp in germany", "wa", "DE"),
        ("вотсап в германии", "wa", "DE"),
        ("number for whatsapp", "wa", None),
        ("hello, i need a whatsapp number for the uk please", "wa", "GB"),
        ("whatsapp business", "bye", None),
        ("telegram", "tg", None),
        ("телеграм", "tg", None),
        ("телеграмм россия", "tg", "RU"),
        ("тг", "tg", None),
        ("тг индонезия", "tg", "ID"),
        ("tg in", "tg", "IN"),
        ("telgram usa", "tg", "US"),
        ("нужен номер телеграм казахстан", "tg", "KZ"),
        ("gmail usa", "go", "US"),
        ("buy gmail usa", "go", "US"),
        ("гугл", "go", None),
        ("vk", "vk", None),
        ("вк", "vk", None),
        ("код для вк", "vk", None),
        ("вконтакте украина", "vk", "UA"),
        ("инстаграм германия", "ig", "DE"),
        ("instagramm", "ig", None),
        ("twiter", "tw", None),
        ("x", "tw", None),
        ("чат гпт", "dr", None),
        ("chat gpt великобритания", "dr", "GB"),
        ("тик ток", "lf", None),
        ("facebok", "fb", None),
        ("мейл ру", "ma", None),
        ("apple id france", "wx", "FR"),
        ("blablacar", "ua", None),
        ("germany", None, "DE"),
        ("jermany", None, "DE"),
        ("великобритания", None, "GB"),
        ("uk", None, "GB"),
    ],
)
def test_what_is_typed_finds_its_service_and_country(typed: str, service: str | None, country: str | None) -> None:
    found = search().parse(typed)
    assert (found.service and found.service.code, found.country and found.country.iso2) == (service, country)


@pytest.mark.parametrize(
    "typed",
    [
        "hello", "Hi!", "hey there", "good morning", "Привет", "привет, как дела?", "Здравствуйте", "Добрый день",
        "thanks", "thank you very much", "ok", "yes", "no", "help", "help me please", "what is this?", "how are you",
        "code", "number", "sms", "test", "спасибо", "да", "нет", "помогите", "сколько стоит?", "номер", "дай код",
        "weather", "woman", "man", "window", "kitchen", "qwerty", "asdf", "lol", "погода", "машина", "собака", "12345",
        "👍", "?", "...",
    ],
)  # fmt: skip
def test_what_names_no_service_finds_none(typed: str) -> None:
    found = search().parse(typed)
    assert (found.service, found.country) == (None, None)
    assert search().services(typed, 8) == []


@pytest.mark.parametrize(
    ("typed", "greets"),
    [
        ("hello", True),
        ("Hi!", True),
        ("hello there, how are you?", True),
        ("good morning", True),
        ("start", True),
        ("привет", True),
        ("Здравствуйте!", True),
        ("привет, как дела", True),
        ("доброе утро", True),
        ("hello whatsapp", False),
        ("hellotalk", False),
        ("привет, нужен номер для ватсапа", False),
        ("thanks", False),
        ("help", False),
        ("weather", False),
        ("", False),
    ],
)
def test_a_greeting_is_told_from_a_wish(typed: str, greets: bool) -> None:
    assert search().is_greeting(typed) is greets


@pytest.mark.parametrize(
    ("typed", "first"),
    [("telegram premium", "tg"), ("whatsapp for my mother", "wa"), ("блабла", None), ("blabla", "ua"), ("pizz", None)],
)
def test_what_may_mean_a_service_is_suggested(typed: str, first: str | None) -> None:
    suggested = search().services(typed, 5)
    assert len(suggested) <= 5
    if first is not None:
        assert suggested[0].code == first


def test_names_that_were_learnt_are_found_and_shipped_ones_stay() -> None:
    catalogue = LiveCatalogue(Catalogue.shipped())
    finds = a_search(catalogue)
    assert finds.parse("zed quarters").service is None
    catalogue.now = catalogue.now.with_names([("zzq", "Zed Quarters"), ("zzr", "WhatsApp")])
    assert (finds.parse("zed quarters germany").service or finds).code == "zzq"  # type: ignore[union-attr]
    assert [one.code for one in finds.services("zed quar", 5)] == ["zzq"]
    whatsapp = finds.parse("whatsapp").service
    assert whatsapp is not None
    assert whatsapp.code == "wa"


def test_a_crowd_of_learnt_names_keeps_nobody_waiting() -> None:
    names = [(f"z{number}", f"Service {number} of a very eager provider") for number in range(8_000)]
    finds = a_search(LiveCatalogue(Catalogue.shipped().with_names(names)))
    started = time.perf_counter()
    found = finds.parse("telegramm " + "wonderland " * MOST_WORDS)
    assert found.service is None
    finds.services("telegramm wonderland", 8)
    assert time.perf_counter() - started < 0.5
