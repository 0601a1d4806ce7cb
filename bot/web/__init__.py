"""The HTTP face: providers' webhooks, Telegram's webhook, health."""
