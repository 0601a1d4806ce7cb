"""The API put together: an application of its own, mounted at /api, with its own errors."""

from functools import partial

from fastapi import FastAPI

from bot import __version__
from bot.web.api import account, buying, errors, events, managing, market, numbers, webhooks
from bot.web.api.deps import ApiDeps
from bot.web.api.frame import Frame
from bot.web.api.schema import methods_of


def create_api(deps: ApiDeps) -> FastAPI:
    """Its routes have no /api before them: that is where it is mounted."""
    api = FastAPI(
        title="codepigeon",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    for part in (account, buying, managing, numbers, market, events, webhooks):
        api.include_router(part.routes(deps))
    errors.install(api, partial(methods_of, api))
    api.add_middleware(Frame)
    return api
