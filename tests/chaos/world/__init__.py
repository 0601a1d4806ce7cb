"""A world outside the program that knows the truth: Telegram, three suppliers, people, and an executioner."""
