"""A Bot API server on loopback, with the people who talk to the bot played from outside.

It answers as Telegram's own server does (behaviour and error texts after tdlib/telegram-bot-api), so that an
unchanged bot cannot tell the two apart. Left out on purpose: Markdown (refused with a 400), inline mode, polls,
stickers, games, business accounts, and a method call in the body of a webhook's answer.
"""
