"""A load on the real program: many SMS a second, and a Telegram that takes only so many messages."""
