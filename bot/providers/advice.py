"""What `main.py check` says of a provider's webhooks: what to paste where, and what is still to be set here."""

from collections.abc import Iterator

from bot.config import Config, ProviderConfig
from bot.domain.addresses import is_within, parse_address
from bot.providers.base import Webhooks
from bot.providers.signature import TOLERANCE_S


def advise(name: str, offered: Webhooks | None, config: Config) -> Iterator[str]:
    """Lines for the operator's terminal and nowhere else: the address to paste ends with WEBHOOK_SECRET."""
    settings = config.providers[name]
    secret = settings.webhook_secret
    if offered is None:
        yield "it sends none, and is polled" + ("; WEBHOOK_SECRET does nothing here" if secret else "")
        return
    option = f"PROVIDERS__{name.upper()}__"
    missing = [] if config.public_url else ["PUBLIC_URL"]
    missing += [] if secret else [f"{option}WEBHOOK_SECRET"]
    if secret is None or missing:
        yield f"set {' and '.join(missing)} to have them; until then it is polled"
        return
    event = f" for its event {offered.event}" if offered.event else ""
    yield f"paste this address at the provider{event}, and keep it secret:"
    yield f"{config.public_url}/hooks/{name}/{secret.get_secret_value()}"
    if not str(config.public_url).startswith("https://"):
        yield "PUBLIC_URL is not https: whoever is on the way reads the address, and most providers refuse it"
    yield from _sources(option, offered, settings, behind_proxy=bool(config.trusted_proxies))
    yield _trust(option, offered, settings)


def _sources(option: str, offered: Webhooks, settings: ProviderConfig, *, behind_proxy: bool) -> Iterator[str]:
    allowed = settings.webhook_from
    missing = ",".join(one for one in offered.sources if not is_within(parse_address(one), allowed))
    if missing and not allowed:
        yield f"it documents where they come from; to refuse all others, set {option}WEBHOOK_FROM={missing}"
    elif missing:
        yield f"it documents that they come from {missing} too, which WEBHOOK_FROM does not have"
    if allowed and not behind_proxy:
        yield "behind a reverse proxy, set TRUSTED_PROXIES to its address, or WEBHOOK_FROM refuses all of them"


def _trust(option: str, offered: Webhooks, settings: ProviderConfig) -> str:
    hint = "each is a hint, after which the provider is asked"
    if not offered.signed:
        return f"it does not sign them, so {hint}"
    if settings.webhook_signing_secret is None:
        return f"{hint}, until {option}WEBHOOK_SIGNING_SECRET is set"
    return f"believed when signed no more than {TOLERANCE_S // 60} minutes off this machine's clock"
