"""The code in an SMS, or none. A wrong code is worse than none."""

from bot.domain.codes.code import Code, Kind
from bot.domain.codes.extract import candidates, extract

__all__ = ["Code", "Kind", "candidates", "extract"]
