"""SMS as services really write them, each with a fresh code."""

import random
import string
from collections.abc import Mapping

from bot.providers.sandbox.catalogue import service_names

_ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_FULL_WIDTH_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
_TOKEN = string.ascii_letters + string.digits
# No letters that read like digits, as the senders of such codes leave them out too.
_CLEAR_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ"

_SHAPES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "wa": (
        ("WhatsApp", "Your WhatsApp code: {three}-{three2}\nDon't share this code with others\n\n4sgLq1p5sV6"),
        ("WhatsApp", "<#> Код WhatsApp: {three}-{three2}\nНикому не сообщайте его\n{hash}"),
        ("WhatsApp", "You can also tap on this link to verify your phone: v.whatsapp.com/{six}"),
    ),
    "tg": (
        (
            "Telegram",
            "Login code: {five}. Do not give this code to anyone, even if they say they are from Telegram!"
            "\n\nhttps://t.me/login/{five}",
        ),
        ("Telegram", "Telegram code {five}\n\n#{hash}"),
    ),
    "go": (
        ("Google", "G-{six} is your Google verification code."),
        ("Google", "<#> G-{six} is your Google verification code. Don't share your code with anyone.\n{hash}"),
        ("Google", "G-{six} ist dein Bestätigungscode für Google."),
    ),
    "fb": (
        ("Facebook", "<#> {five} is your Facebook code\n{hash}"),
        ("Facebook", "{six} is your Facebook confirmation code\n\n@facebook.com #{six}"),
    ),
    "ig": (("Instagram", "<#> {three} {three2} is your Instagram code. Don't share it.\n{hash}"),),
    "tw": (("X", "Your X confirmation code is {six}."),),
    "vi": (("Viber", "Your Viber code: {six}. You can also tap this link: https://unv.viber.com/a/{six}"),),
    "vk": (("VK", "VK: {six} - код для входа. Никому его не сообщайте."),),
    "ds": (("Discord", "Your Discord verification code is: {six}"),),
    "am": (
        ("Amazon", "{six} is your Amazon OTP. Do not share it with anyone."),
        (
            "Amazon",
            "Amazon: Sign-in attempt from Chrome on Windows. Approve or deny: https://amazon.example/a/c/r/{token}",
        ),
    ),
    "mm": (("Microsoft", "Use {six} as Microsoft account security code"),),
    "wx": (("Apple", "Your Apple ID Code is: {six}. Don't share it with anyone.\n\n@apple.com #{six} %apple.com"),),
    "ub": (("Uber", "Your Uber code is {four}. Never share this code. Reply STOP ALL to unsubscribe.\n{hash}"),),
    "lf": (("TikTok", "[TikTok] {six} is your verification code, valid for 5 minutes. Don't share it."),),
    "fu": (("Snapchat", "Snapchat code: {six}. Do not share it or use it elsewhere!"),),
    "mt": (("Steam", "Your Steam verification code is {alnum}"),),
    "dr": (("OpenAI", "Your OpenAI verification code is: {six}\n\n@chatgpt.com #{six}"),),
    "ya": (("Yandex", "Ваш код: {three}-{three2}. Не сообщайте его никому: его спрашивают только мошенники."),),
    "ma": (("Mail.ru", "Код подтверждения {six}. Действует 10 минут."),),
    "wb": (("WeChat", "【微信】验证码{six}，用于登录，30分钟内有效。请勿转发。"),),
    "hw": (("Alibaba", "【支付宝】您的校验码：{four}，您正在登录，切勿将校验码泄露于他人。"),),
    "me": (("LINE", "LINEで認証番号「{wide}」を入力してください。他人には教えないでください。"),),
    "kt": (("KakaoTalk", "[카카오톡] 인증번호 [{six}]를 입력해 주세요."),),
    "ls": (("Careem", "رمز التحقق الخاص بك في كريم هو {arabic}. لا تشاركه مع أي شخص."),),
    "tf": (("noon", "رمز التحقق: {arabic}"),),
    "ts": (
        ("PayPal", "PayPal: {six} is your security code. It expires in 10 minutes. Don't share this code."),
        ("PayPal", "PayPal: confirm your payment of {amount} USD to Nile Books with the code {six}."),
    ),
    "bo": (("Wise", "{six} is your code to send {amount} EUR to a recipient ending 4821. Wise never calls."),),
    "ij": (("Revolut", "Your Revolut verification code is {three}-{three2}. Never share it, even with us."),),
    "re": (("Coinbase", "Your Coinbase verification code is: {seven}. Don't share this code with anyone."),),
    "sn": (("OLX", "OLX: twój kod to {six}. Ważny do {hour}:45."),),
    "nf": (("Netflix", "Netflix: tu código de acceso es {four}. Caduca en 15 minutos."),),
    "oi": (("Tinder", "Your Tinder code is {six}\n\n@tinder.com #{six}"),),
    "acz": (("Anthropic", "Your Claude verification code is: {six}"),),
    "bw": (("Signal", "SIGNAL: Your code is: {three}-{three2}. Do not share this code\n\n{hash}"),),
}

_GENERIC: tuple[tuple[str, str], ...] = (
    ("{name}", "Your {name} verification code is {six}. It is valid for 10 minutes."),
    ("{name}", "{four} is your code for {name}. Don't share it with anyone."),
    ("Verify", "{name}: use {alnum} to sign in.\n\n@{host} #{alnum}"),
)


def typical(service: str, chance: random.Random) -> list[tuple[str, str]]:
    """(sender, text) pairs: the service's own shapes, or the general ones with its name."""
    shapes = _SHAPES.get(service, _GENERIC)
    return [_fill(sender, text, service, chance) for sender, text in shapes]


def _fill(sender: str, text: str, service: str, chance: random.Random) -> tuple[str, str]:
    digits = f"{chance.randrange(10**8):08d}"
    six = digits[:6]
    name = service_names().get(service, service)
    parts = {
        "four": digits[:4],
        "five": digits[:5],
        "six": six,
        "seven": digits[:7],
        "three": six[:3],
        "three2": six[3:],
        "arabic": six.translate(_ARABIC_DIGITS),
        "wide": six.translate(_FULL_WIDTH_DIGITS),
        "alnum": f"{chance.choice(_CLEAR_LETTERS)}{digits[6]}{''.join(chance.choices(_CLEAR_LETTERS, k=2))}{digits[4]}",
        "hash": "".join(chance.choices(_TOKEN, k=11)),
        "token": "".join(chance.choices(_TOKEN, k=22)),
        "amount": f"{chance.randrange(3, 900)}.{chance.randrange(100):02d}",
        "hour": f"{chance.randrange(10, 24)}",
        "name": name,
        "host": "".join(letter for letter in name.lower() if letter in string.ascii_lowercase) + ".example",
    }
    return sender.format_map(parts), text.format_map(parts)
