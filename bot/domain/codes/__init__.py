"""The code in an SMS, or none. A wrong code is worse than none."""

from bot.domain.codes.extract import Code, extract

__all__ = ["Code", "extract"]
