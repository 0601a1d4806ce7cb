"""Logging for the whole process, through which no secret passes."""

from bot.logs.handler import CHATTY, Level, install
from bot.logs.redaction import Redactor

__all__ = ["CHATTY", "Level", "Redactor", "install"]
