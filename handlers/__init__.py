"""The Telegram face: updates in, messages out. Handlers translate; they decide nothing."""
