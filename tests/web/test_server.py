"""The HTTP server's own part: the port that it claims."""

import pytest

from bot.web.server import HttpServer, PortTaken


async def test_a_port_is_claimed_before_anything_is_served_on_it():
    first = HttpServer.bind("127.0.0.1", 0)
    try:
        with pytest.raises(PortTaken, match="Stop the program that uses it"):
            HttpServer.bind("127.0.0.1", first.port)
    finally:
        await first.stop()


async def test_a_port_that_was_given_free_can_be_claimed_again():
    first = HttpServer.bind("127.0.0.1", 0)
    port = first.port
    await first.stop()
    second = HttpServer.bind("127.0.0.1", port)
    assert second.port == port
    await second.stop()
