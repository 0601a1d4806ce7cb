"""One call of the protocol, and the three ways in which a caller can take its answer."""

from collections.abc import Callable
from typing import TypeVar

from bot.domain.errors import ProviderFault, Throttled
from bot.domain.time import SECOND, Ms
from bot.providers.base import Refused, Unknown
from bot.providers.handler_api.answers import Banned, Rejected, Reply, classify
from bot.providers.handler_api.dialects import Dialect
from bot.providers.handler_api.words import BUYING_LIMITS, Elsewhere
from bot.providers.http import NoAnswer, ProviderHttp

_T = TypeVar("_T")

PATH = "/stubs/handler_api.php"
POSTED = frozenset({"prolong"})
"""Actions that are refused as GET."""
CATALOGUE = frozenset(
    {
        "getCountries",
        "getOperators",
        "getPrices",
        "getRentServicesAndCountries",
        "getServicesList",
        "getTopCountriesByService",
        "serviceCountRent",
    }
)
"""Actions that no code depends on; the whole shelf of rentals takes dozens of them."""


class Calls:
    """`site` is the member's, with or without the path. The key stands in the query, so addresses are never logged."""

    def __init__(self, http: ProviderHttp, site: str, api_key: str, dialect: Dialect, clock: Callable[[], Ms]) -> None:
        self._http = http
        self._url = site if site.endswith(".php") else site.rstrip("/") + PATH
        self._api_key = api_key
        self._dialect = dialect
        self._clock = clock
        self._banned: tuple[Ms, Ms] = (0, 0)
        """From when until when; the clock may be set back to before both."""

    async def ask(self, action: str, **params: str | int | None) -> Reply:
        """Raises Rejected, Malformed, NoAnswer or Throttled. Parameters that are None or empty are left out."""
        sent = {"api_key": self._api_key, "action": action}
        sent |= {name: str(value) for name, value in params.items() if value not in (None, "")}
        method = "POST" if action in POSTED else "GET"
        answer = await self._http.request(method, self._url, params=sent, can_wait=action in CATALOGUE)
        try:
            return classify(answer, self._dialect, self._clock())
        except Rejected as no:
            if isinstance(no.error, Throttled) and no.word not in BUYING_LIMITS:
                self._http.pause(no.error.retry_after_s)
            raise

    async def read(self, action: str, reader: Callable[[Reply], _T], **params: str | int | None) -> _T:
        """Raises ProviderError. A ban that a question meets holds for all of them, unlike one that a purchase meets."""
        try:
            return reader(await self.ask(action, **params))
        except Rejected as no:
            if isinstance(no.error, Throttled):
                self._http.pause(no.error.retry_after_s)
            raise no.error or ProviderFault(f"{action}: {no}") from None
        except (NoAnswer, ValueError) as why:
            raise ProviderFault(f"{action}: {why}") from None

    async def change(
        self, action: str, reader: Callable[[Reply], _T], **params: str | int | None
    ) -> _T | Refused | Unknown:
        """A fault that the member names is Unknown too: its database may have failed after the deed."""
        try:
            return reader(await self.ask(action, **params))
        except Throttled as error:
            return Refused(error)
        except Rejected as no:
            if no.error is None or (isinstance(no.error, ProviderFault) and not isinstance(no.error, Elsewhere)):
                return Unknown(f"{action}: {no}")
            return Refused(no.error)
        except NoAnswer as why:
            return Unknown(f"{action}: {why}") if why.sent else Refused(ProviderFault(f"{action}: not reached: {why}"))
        except ValueError as why:
            return Unknown(f"{action}: {why}")

    async def buy(
        self, action: str, reader: Callable[[Reply], _T], **params: str | int | None
    ) -> _T | Refused | Unknown:
        """A change that a ban stops before it is asked for."""
        since, until = self._banned
        if since <= (now := self._clock()) < until:
            return Refused(Throttled((until - now) / SECOND))
        outcome = await self.change(action, reader, **params)
        if isinstance(outcome, Refused) and isinstance(outcome.error, Banned):
            now = self._clock()
            self._banned = now, now + int(outcome.error.retry_after_s * SECOND)
        return outcome


def expect(*prefixes: str) -> Callable[[Reply], str]:
    """A reader of one-word answers."""
    return lambda reply: reply.after(*prefixes)
