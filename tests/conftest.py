"""Settings for the whole suite."""

import os

os.environ.setdefault("PTB_TIMEDELTA", "1")  # python-telegram-bot warns on every 429 otherwise; the program sets it too
