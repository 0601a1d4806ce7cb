"""codepigeon: a self-hosted Telegram bot that hands out phone numbers and delivers the codes sent to them."""

__version__ = "0.1.0"
