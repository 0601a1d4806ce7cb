"""Configuration: one frozen value, built by `load` from the environment and a .env file."""

from bot.config.load import ConfigError, load
from bot.config.model import Config
from bot.config.provider import KINDS, ProviderConfig

__all__ = ["KINDS", "Config", "ConfigError", "ProviderConfig", "load"]
