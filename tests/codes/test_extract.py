"""The code in an SMS, or none: texts as services write them, and such as nobody would."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.codes import Code, Kind, candidates, extract
from bot.providers.sandbox.texts import typical

TABLE: list[tuple[str, str | None]] = [
    ("Your WhatsApp code: 123-456\nDon't share this code with others\n\n4sgLq1p5sV6", "123456"),
    ("<#> Код WhatsApp: 123-456\nНикому не сообщайте его\nabcdefghijk", "123456"),
    ("Telegram code 12345\n\n#abcdefghijk", "12345"),
    ("Login code: 12345. Do not give this code to anyone!\n\nhttps://t.me/login/12345", "12345"),
    ("G-123456 is your Google verification code.", "123456"),
    ("G-123456 ist dein Bestätigungscode für Google.", "123456"),
    ("123456 is your Facebook confirmation code\n\n@facebook.com #123456", "123456"),
    ("Use 7X4K2P to sign in.\n\n@example.com #7X4K2P", "7X4K2P"),
    ("Your Steam verification code is 7XK4P", "7XK4P"),
    ("VK: 123456 - код для входа. Никому его не сообщайте.", "123456"),
    ("Ваш код: 123-456. Не сообщайте его никому.", "123456"),
    ("Код подтверждения 1234. Действует 10 минут.", "1234"),
    ("Пароль для входа: 55512", "55512"),
    ("【微信】验证码123456，用于登录，30分钟内有效。请勿转发。", "123456"),
    ("【支付宝】您的校验码：1234，您正在登录，切勿将校验码泄露于他人。", "1234"),
    ("LINEで認証番号「１２３４５６」を入力してください。", "123456"),
    ("[카카오톡] 인증번호 [123456]를 입력해 주세요.", "123456"),
    ("رمز التحقق الخاص بك في كريم هو ١٢٣٤٥٦. لا تشاركه مع أي شخص.", "123456"),
    ("کد ورود: ۱۲۳۴۵", "12345"),
    ("आपका कोड १२३४ है", "1234"),
    ("OLX: twój kod to 123456. Ważny do 17:45.", "123456"),
    ("Netflix: tu código de acceso es 1234. Caduca en 15 minutos.", "1234"),
    ("Votre code est 1234", "1234"),
    ("Il tuo codice è 123 456", "123456"),
    ("Seu código do Uber é 1234.", "1234"),
    ("PayPal: 123456 is your security code. It expires in 10 minutes.", "123456"),
    ("PayPal: confirm your payment of 149.99 USD to Nile Books with the code 123456.", "123456"),
    ("123456 is your code to send 500.00 EUR to a recipient ending 4821. Wise never calls.", "123456"),
    ("*123456* is your code", "123456"),
    ("Established 2019, still here", None),
    ("OTP 998877 for card ending 1234, amount $50.00", "998877"),
    ("Your order 123456 has shipped. Call +1 555 010 9999.", None),
    ("Balance: $1234.56 on card *4821", None),
    ("Sign-in attempt. Approve: https://amazon.example/a/c/r/123456", "https://amazon.example/a/c/r/123456"),
    ("Your verification was successful.", None),
    ("See you at 10:30 on 12/11/2026", None),
    ("", None),
    ("код", None),
    ("1234", "1234"),
    ("12", None),
    ("Meeting moved to room 4455", None),
    ("Account 88112233: payment of 4500 RUB received, thank you for staying with us since 2019!", None),
    ("\ud83d code 778899 \x00", "778899"),
    ("Your code is 1234-5678", "12345678"),
    ("TG-481-920 is your code", "481920"),
    ("Your code: 4 8 2 9 1 0", "482910"),
    ("code 48.29.10 for the gate", "482910"),
    ("CODE=482910", "482910"),
    ("OTP:482910.Do not share", "482910"),
    ("验证码：１２３４５６", "123456"),
    ("１２３４が認証コードです", "1234"),
    ("รหัส OTP ของคุณคือ ๑๒๓๔๕๖", "123456"),
    ("Your code: 1️⃣2️⃣3️⃣4️⃣", "1234"),
    ("قود \u2067\u200f482910\u2069 رمز التحقق", "482910"),
    ("הקוד שלך: \u200e482-910\u200e", "482910"),
    ("Your code is AB12CD. It works until 14:20.", "AB12CD"),
    ("Your code is 7XK-4P", "7XK-4P"),
    ("Your code is 2024", "2024"),
    ("Pay $4,821.00 to ACME on 12.05.2025 with code 990122, card ending 4410", "990122"),
    ("482910 is your code. It is 482910.", "482910"),
    ("Old code 338102 is cancelled. New code: 902117", "902117"),
    ("Your temporary password: kTmPzQ", "kTmPzQ"),
    ("Say the pass phrase maple-otter at the desk.", "maple-otter"),
    ("Get 20% off with code SUMMER20 until 30 June", None),
    ("Never tell anybody your code.", None),
    ("Your parcel 00340434161094042557 comes on 14.06. between 10:00 and 12:00", None),
    ("Dial *100# for your balance", None),
    ("Your code was used on a new device.", None),
]


@pytest.mark.parametrize(("text", "code"), TABLE)
def test_the_code_of_a_text_is_found_or_none_is(text: str, code: str | None) -> None:
    found = extract(text)
    assert (found.value if found else None) == code
    if found is not None:
        assert text[slice(*found.span)] == found.shown
        assert 0 < found.confidence <= 1


def test_the_sandboxs_usual_texts_give_their_codes() -> None:
    chance = random.Random(5)
    services = [
        "wa",
        "tg",
        "go",
        "fb",
        "ig",
        "tw",
        "vi",
        "vk",
        "ds",
        "mm",
        "ub",
        "lf",
        "fu",
        "mt",
        "dr",
        "ya",
        "wb",
        "me",
    ]
    for service in services:
        for sender, text in typical(service, chance):
            if "link" not in text:
                assert extract(text, sender, service) is not None, text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("482910 is your code\n\n@example.com #747723", "747723"),
        ("Use it\n@example.com #747723 @bank.example", "747723"),
        ("Use it\n@example.com #747723 %bank.example\n\n", "747723"),
        ("Use it\n@example.com #aB3-x9", "aB3-x9"),
        ("@example.com is where your code 482910 is asked for", "482910"),
    ],
)
def test_a_line_for_machines_wins_over_the_words(text: str, code: str) -> None:
    found = extract(text)
    assert found is not None
    assert found.value == code


def test_the_hash_of_an_application_is_no_code() -> None:
    assert [one.value for one in candidates("<#> Your code is 482910\nFA+9qCX9VSu")] == ["482910"]


def test_of_two_codes_the_service_says_which() -> None:
    text = "WhatsApp code 482910. Telegram code 71335."
    assert [_value(extract(text, None, service)) for service in ("wa", "tg")] == ["482910", "71335"]


def test_a_link_is_the_code_only_where_there_is_none() -> None:
    link = "https://example.com/login/8sKq2?t=1"
    found = extract(f"Tap to sign in: {link}")
    assert found is not None
    assert (found.value, found.kind) == (link, Kind.LINK)
    both = extract(f"Your login code is 482910, or open {link}")
    assert both is not None
    assert (both.value, both.kind) == ("482910", Kind.DIGITS)


def test_a_link_to_read_about_a_parcel_is_no_code() -> None:
    assert extract("Your parcel is on its way. Track it: https://example.com/track/482910") is None


def test_candidates_are_all_numbers_the_likeliest_first_and_each_once() -> None:
    text = "Your code is 482910. Order 77120, again 482910."
    found = candidates(text)
    assert [one.value for one in found] == ["482910", "77120"]
    assert found[0] == extract(text)
    assert [text[slice(*one.span)] for one in found] == [one.shown for one in found]
    assert found[0].confidence > found[1].confidence


def test_a_text_without_a_likely_code_has_candidates_still() -> None:
    text = "Train 4821 leaves at 18:05"
    assert extract(text) is None
    assert [one.value for one in candidates(text)] == ["4821"]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=400))
def test_no_text_at_all_raises(text: str) -> None:
    for found in candidates(text, text[:10], None):
        assert text[slice(*found.span)] == found.shown


PARTS = st.sampled_from(
    ["code ", "1234 ", "код", "@a.b #", "123-456", "A1B2C", "\n", "$", "+", "١٢", "ABCDEFGHIJK", "..", "x", "is ", ": "]
)


@settings(max_examples=40, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=6), st.integers(min_value=100, max_value=3000))
def test_no_text_of_ten_thousand_characters_raises(parts: list[str], times: int) -> None:
    text = ("".join(parts) * times)[:10_000]
    for found in candidates(text):
        assert text[slice(*found.span)] == found.shown


def _value(found: Code | None) -> str | None:
    return found.value if found else None
