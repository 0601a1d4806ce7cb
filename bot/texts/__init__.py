"""Words: every sentence the program says, in the person's language, as HTML that Telegram accepts.

`texts.of(language)` gives `Words`, by custom named `t`: `t("Code from {service}", service=name)`. Whatever is put into
a sentence is escaped unless it is `Html` already.
"""

from bot.texts.catalog import Texts
from bot.texts.html import Html, escape, foreign
from bot.texts.split import plain, split, visible_length
from bot.texts.words import Words, mark

__all__ = ["Html", "Texts", "Words", "escape", "foreign", "mark", "plain", "split", "visible_length"]
