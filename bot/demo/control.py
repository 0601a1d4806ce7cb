"""The control API of the demo: what a person's Telegram client and a supplier's SIM cards would do, as JSON over HTTP.

Refusals are answered with 4xx and `{"error": "a sentence"}`. docs/demo.md shows a request for each call.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from bot.demo.bodies import Fault, NewSms, NewUser, Paid, Phone, Pressed, Said, Spoken, Supply, UserId
from bot.demo.events import EventQueue
from bot.demo.phonebook import NoSuchPhone, Phonebook
from bot.demo.telegram.errors import PersonError

Json: TypeAlias = dict[str, Any]

NEWEST_MESSAGES = 500
"""Messages of each chat that the state holds."""


class TelegramWorldLike(Protocol):
    """What is needed of a TelegramWorld. A private chat has its person's id."""

    bot: dict[str, Any]
    faults: Any

    def users(self) -> Sequence[Mapping[str, Any]]: ...
    def add_user(self, name: str, *, language: str = ...) -> int: ...
    def messages(self, chat_id: int) -> Sequence[Mapping[str, Any]]: ...
    def commands(self, user_id: int) -> Sequence[Mapping[str, Any]]: ...
    def say(self, user_id: int, text: str) -> int: ...
    def press(self, user_id: int, chat_id: int, message_id: int, data: str) -> str: ...
    def pay(self, user_id: int, chat_id: int, message_id: int) -> str: ...
    def block(self, user_id: int) -> None: ...
    def unblock(self, user_id: int) -> None: ...
    def set_language(self, user_id: int, language: str) -> None: ...
    def subscribe(self) -> AbstractContextManager[EventQueue]: ...


class SandboxWorldLike(Protocol):
    """What is needed of a SandboxWorld."""

    mode: Any

    def phones(self) -> Sequence[Mapping[str, Any]]: ...
    def typical(self, service: str) -> Sequence[Mapping[str, Any]]: ...
    def receive(self, phone: str, sender: str, text: str) -> str | None: ...
    def subscribe(self) -> AbstractContextManager[EventQueue]: ...


class NoSuchPerson(Exception):
    pass


class SentenceRoute(APIRoute):
    """Turns refusals of these routes into `{"error": sentence}`, whatever the rest of the app does with its own."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _error(422, _sentence(error))
            except (NoSuchPerson, NoSuchPhone) as error:
                return _error(404, str(error))
            except PersonError as error:
                return _error(409, f"Telegram refuses: {error}.")

        return answer


def create_router(telegram: TelegramWorldLike, sandbox: SandboxWorldLike) -> APIRouter:
    """All calls under `/demo` but the event stream."""
    router = APIRouter(prefix="/demo", route_class=SentenceRoute)
    phonebook = Phonebook(sandbox)
    _add_state(router, telegram, sandbox, phonebook)
    _add_people(router, telegram)
    _add_presses(router, telegram)
    _add_phones(router, sandbox, phonebook)
    return router


def _add_state(router: APIRouter, telegram: TelegramWorldLike, sandbox: SandboxWorldLike, phonebook: Phonebook) -> None:
    @router.get("/state")
    async def state() -> Json:
        """All that the page shows."""
        users = telegram.users()
        return {
            "bot": {"name": telegram.bot["first_name"], "username": telegram.bot["username"]},
            "users": users,
            "chats": {str(user["id"]): telegram.messages(user["id"])[-NEWEST_MESSAGES:] for user in users},
            "commands": {str(user["id"]): telegram.commands(user["id"]) for user in users},
            "phones": phonebook.shown(),
            "provider": {"mode": str(sandbox.mode)},
        }

    @router.post("/provider")
    async def provider(body: Supply) -> Json:
        """How the sandbox supplier behaves from now on."""
        sandbox.mode = body.mode
        return {"mode": body.mode}

    @router.post("/telegram/faults")
    async def faults(body: Fault) -> Json:
        """Let the next `times` requests of the bot fail."""
        telegram.faults.add(**body.model_dump())
        return {"ok": True}


def _add_people(router: APIRouter, telegram: TelegramWorldLike) -> None:
    @router.post("/users")
    async def add(body: NewUser) -> Json:
        return {"id": telegram.add_user(body.name, language=body.language)}

    @router.post("/users/{user_id}/block")
    async def block(user_id: UserId) -> Json:
        """The person blocks the bot, as from Telegram's menu."""
        telegram.block(_person(telegram, user_id))
        return {"blocked": True}

    @router.post("/users/{user_id}/unblock")
    async def unblock(user_id: UserId) -> Json:
        telegram.unblock(_person(telegram, user_id))
        return {"blocked": False}

    @router.post("/users/{user_id}/language")
    async def language(user_id: UserId, body: Spoken) -> Json:
        """The language of the person's Telegram client."""
        telegram.set_language(_person(telegram, user_id), body.language)
        return {"language": body.language}


def _add_presses(router: APIRouter, telegram: TelegramWorldLike) -> None:
    @router.post("/users/{user_id}/messages")
    async def say(user_id: UserId, body: Said) -> Json:
        return {"message_id": telegram.say(_person(telegram, user_id), body.text)}

    @router.post("/users/{user_id}/press")
    async def press(user_id: UserId, body: Pressed) -> Json:
        """Press an inline button that the message has now; the bot's answer comes as a `callback_answer` event."""
        person = _person(telegram, user_id)
        return {"query_id": telegram.press(person, person, body.message_id, body.data)}

    @router.post("/users/{user_id}/pay")
    async def pay(user_id: UserId, body: Paid) -> Json:
        """Pay the invoice in Telegram Stars."""
        person = _person(telegram, user_id)
        return {"query_id": telegram.pay(person, person, body.message_id)}


def _add_phones(router: APIRouter, sandbox: SandboxWorldLike, phonebook: Phonebook) -> None:
    @router.get("/phones")
    async def phones() -> list[Json]:
        return phonebook.shown()

    @router.get("/phones/{phone}/typical")
    async def typical(phone: Phone) -> Sequence[Mapping[str, Any]]:
        """SMS as this phone's service sends them, each with a fresh random code."""
        return sandbox.typical(phonebook.held(phone)["service"])

    @router.post("/phones/{phone}/sms")
    async def receive(phone: Phone, body: NewSms) -> Json:
        """Let an SMS arrive. A closed phone still takes it; the service then decides what a late one means."""
        sms_id = sandbox.receive(phonebook.held(phone)["phone"], body.sender, body.text)
        if sms_id is None:
            raise NoSuchPhone("Nobody has this phone any more.")
        return {"sms_id": sms_id}


def _person(telegram: TelegramWorldLike, user_id: int) -> int:
    if all(user["id"] != user_id for user in telegram.users()):
        raise NoSuchPerson(f"There is no person {user_id} in the demo.")
    return user_id


def _sentence(error: RequestValidationError) -> str:
    """The first thing wrong with a request, named by its field."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return "The body is no JSON."
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "path", "query"))
    return f"{field or 'The body'}: {first['msg'][:1].lower()}{first['msg'][1:]}."


def _error(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status)
