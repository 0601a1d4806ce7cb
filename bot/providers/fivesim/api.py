"""Requests to 5sim: the key, the client's name, what each answer means."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.errors import ProviderFault, Throttled
from bot.domain.time import DAY, Ms, is_within
from bot.providers.fivesim import answers, prices
from bot.providers.fivesim.answers import Lost
from bot.providers.fivesim.prices import Countries
from bot.providers.http import Answer, NoAnswer, ProviderHttp

BASE = "https://5sim.net"
_VERSION = "/v1"
_USER_AGENT = "Mozilla/5.0 (compatible; codepigeon)"
"""Libraries' own names are turned away with 403."""


class Api:
    """Everything is GET, purchases too. Raises ProviderError where surely nothing was done, else Lost.

    `url` with or without `/v1` at its end.
    """

    def __init__(self, http: ProviderHttp, *, url: str, api_key: str, clock: Callable[[], Ms]) -> None:
        self._http = http
        base = url.rstrip("/") or BASE
        self._base = base if base.endswith(_VERSION) else base + _VERSION
        self._headers = {"Accept": "application/json", "User-Agent": _USER_AGENT}
        self._key = {"Authorization": f"Bearer {api_key}"}
        self._clock = clock
        self._countries: tuple[Ms, Countries] | None = None

    async def user(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return self._read(await self._get(f"user/{path}", params, {**self._headers, **self._key}, can_wait=False))

    async def guest(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The public lists, which take no key and get none."""
        return self._read(await self._get(f"guest/{path}", params, self._headers, can_wait=True))

    async def countries(self) -> Countries:
        """As they were at most a day ago. Raises Malformed too."""
        if self._countries is None or not is_within(DAY, self._countries[0], self._clock()):
            self._countries = self._clock(), prices.countries(await self.guest("countries"))
        return self._countries[1]

    async def _get(
        self, path: str, params: Mapping[str, Any] | None, headers: Mapping[str, str], *, can_wait: bool
    ) -> Answer:
        url = f"{self._base}/{path}"
        try:
            return await self._http.request("GET", url, params=params, headers=headers, can_wait=can_wait)
        except NoAnswer as why:
            if why.sent:
                raise Lost(str(why)) from None
            raise ProviderFault(f"not reached: {why}") from None

    def _read(self, answer: Answer) -> Any:
        try:
            return answers.read(answer)
        except Throttled as throttled:
            if answer.status in (429, 503):
                self._http.pause(throttled.retry_after_s)
            raise
