"""The code in an SMS, or none: texts as services write them."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.codes import extract
from bot.domain.codes.extract import REACH
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
    ("Sign-in attempt. Approve or deny: https://amazon.example/a/c/r/123456", None),
    ("Your verification was successful.", None),
    ("See you at 10:30 on 12/11/2026", None),
    ("", None),
    ("код", None),
    ("1234", "1234"),
    ("12", None),
    ("Meeting moved to room 4455", "4455"),
    ("Account 88112233: payment of 4500 RUB received, thank you for staying with us since 2019!", None),
    ("\ud83d code 778899 \x00", "778899"),
]


@pytest.mark.parametrize(("text", "code"), TABLE)
def test_the_code_of_a_text_is_found_or_none_is(text: str, code: str | None) -> None:
    found = extract(text)
    assert (found.value if found else None) == code
    if found is not None:
        assert text[found.span[0] : found.span[1]] == found.shown
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


def test_a_code_far_from_any_keyword_is_not_believed_among_others() -> None:
    assert extract("code " + "x " * REACH + "1234 and 5678") is None


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=400))
def test_no_text_at_all_raises(text: str) -> None:
    found = extract(text, text[:10], None)
    if found is not None:
        assert text[found.span[0] : found.span[1]] == found.shown


PARTS = st.sampled_from(
    ["code ", "1234 ", "код", "@a.b #", "123-456", "A1B2C", "\n", "$", "+", "١٢", "ABCDEFGHIJK", "..", "x"]
)


@settings(max_examples=40, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=6), st.integers(min_value=100, max_value=3000))
def test_a_long_text_takes_bounded_time(parts: list[str], times: int) -> None:
    text = "".join(parts) * times
    started = time.perf_counter()
    extract(text)
    assert time.perf_counter() - started < 0.25
