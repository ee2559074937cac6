# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page and what it asks for, over HTTP. Everything lies below a token that only the printed address has."""
import asyncio
import hmac
import ipaddress
import os
import secrets
import socket

from aiohttp import web

from properties import Refused, Unknown

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page")
# No path of a request is ever a path of a file.
FILES = {"": ("index.html", "text/html"), "page.js": ("page.js", "text/javascript"), "page.css": ("page.css", "text/css")}
WAIT = 10  # seconds that a request for news waits for some
LARGEST = 64 * 1024  # bytes of a request
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
}


def refuse(status, sentence):
    return web.json_response({"error": sentence}, status=status)


class Server:
    def __init__(self, player, properties, host):
        self._player, self._properties, self._host = player, properties, host
        self.token = secrets.token_urlsafe(24)
        self._news = None
        self._names = {"localhost", host.lower(), socket.gethostname().lower()}

    def application(self):
        application = web.Application(middlewares=[self._guard], client_max_size=LARGEST)
        application.add_routes([
            web.get("/{token}/{file:(page[.](js|css))?}", self._file),
            web.get("/{token}/properties", self._describe), web.get("/{token}/state", self._state),
            web.get("/{token}/picture/{serial:[0-9]{1,15}}/{side:input|output}", self._picture),
            web.post("/{token}/set", self._set), web.post("/{token}/transport", self._transport)])
        application.on_startup.append(self._listen)
        return application

    @web.middleware
    async def _guard(self, request, handler):
        """Neither a page of another name that leads here nor anyone without the token gets further."""
        token = request.path.split("/")[1]
        if not self._is_own_name(request.headers.get("Host", "")):
            answer = refuse(403, "This address is not one of this server's: use the one that it printed.")
        elif not hmac.compare_digest(token.encode(), self.token.encode()):
            answer = refuse(403, "The token is missing or wrong: use the address that the server printed.")
        else:
            try:
                answer = await handler(request)
            except web.HTTPException as error:
                answer = refuse(error.status, f"{error.reason}: {request.method} of this address does not exist.")
        answer.headers.update(HEADERS)
        return answer

    def _is_own_name(self, host):
        """An address of digits cannot be made to lead elsewhere; a name can, but for one's own."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        try:
            ipaddress.ip_address(name.strip("[]"))
            return True
        except ValueError:
            return name.lower() in self._names

    async def _listen(self, _):
        loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        self._player.on_change = lambda: loop.call_soon_threadsafe(self._tell)

    def _tell(self):
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _file(self, request):
        name, kind = FILES[request.match_info["file"]]
        return web.FileResponse(os.path.join(FOLDER, name), headers={"Content-Type": f"{kind}; charset=utf-8"})

    async def _describe(self, _):
        return web.json_response({"source": self._player.source.name, "properties": self._properties.describe()})

    async def _state(self, request):
        """What there is to show, as soon as its number is not `after`."""
        after, news = request.query.get("after", ""), self._news
        if after == str(self._player.revision):
            try:
                await asyncio.wait_for(news.wait(), WAIT)
            except asyncio.TimeoutError:
                pass
        return web.json_response(self._player.state())

    async def _picture(self, request):
        shot = self._player.shot(int(request.match_info["serial"]))
        if not shot:
            return web.Response(status=204)  # newer ones are there already
        exact = not self._player.state()["playing"]
        loop = asyncio.get_running_loop()
        kind, data = await loop.run_in_executor(None, shot.picture, request.match_info["side"], exact)
        return web.Response(body=data, content_type=kind)

    async def _set(self, request):
        wanted = await self._object(request)
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, self._player.set, wanted.get("name"), wanted.get("value"))
        except Unknown as unknown:
            return refuse(404, str(unknown))
        except Refused as refused:
            return refuse(400, str(refused))
        return web.json_response(self._player.state())

    async def _transport(self, request):
        wanted = await self._object(request)
        action, value = wanted.get("action"), wanted.get("value", 0)
        if not isinstance(value, (int, float)) or abs(value) > 2**62:
            return refuse(400, "value is a number: nanoseconds of a seek, frames of a step.")
        actions = {"play": lambda: self._player.play(True), "pause": lambda: self._player.play(False),
                   "step": lambda: self._player.step(int(value)), "seek": lambda: self._player.seek(int(value))}
        if action not in actions:
            return refuse(400, f"action is one of {', '.join(actions)}.")
        actions[action]()
        return web.json_response(self._player.state())

    @staticmethod
    async def _object(request):
        try:
            wanted = await request.json()
        except ValueError:
            wanted = None
        return wanted if isinstance(wanted, dict) else {}
