"""The providers of this installation, by name."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from bot.providers.base import Provider


class Registry:
    """Fixed after the start. A number whose provider was taken out of the configuration finds None here."""

    def __init__(
        self, providers: Mapping[str, Provider], closers: Sequence[Callable[[], Awaitable[None]]] = ()
    ) -> None:
        self._providers = dict(providers)
        self._closers = closers

    def get(self, name: str) -> Provider | None:
        return self._providers.get(name)

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._providers.values())

    def __len__(self) -> int:
        return len(self._providers)

    async def aclose(self) -> None:
        for provider in self._providers.values():
            await provider.aclose()
        for close in self._closers:
            await close()
