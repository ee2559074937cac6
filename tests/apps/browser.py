# SPDX-License-Identifier: LGPL-2.1-or-later
"""A headless Chromium, led over its own debugging protocol: opens a page, runs JavaScript in it, notes what its console complains of."""
import asyncio
import base64
import itertools
import os
import shutil
import subprocess
import tempfile

import aiohttp

WITHIN = 30  # seconds for any one answer


def program():
    """Path of the browser, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One page of a browser with a profile of its own: `async with Browser() as page`."""

    def __init__(self, width=1280, height=900):
        self._size, self._numbers, self._answers = f"--window-size={width},{height}", itertools.count(1), {}
        self.errors = []

    async def __aenter__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="reddiff-browser-", ignore_cleanup_errors=True)
        # The sandbox wants rights that containers do not give; the only page is the test's own.
        self._process = subprocess.Popen(
            [program(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-port=0", f"--user-data-dir={self._profile.name}", self._size, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(await asyncio.wait_for(self._page(), WITHIN), max_msg_size=0)
        self._reader = asyncio.create_task(self._read())
        for domain in "Page", "Runtime", "Log":
            await self.call(f"{domain}.enable")
        return self

    async def __aexit__(self, *_):
        self._reader.cancel()
        await self._socket.close()
        await self._http.close()
        self._process.terminate()
        self._process.wait()
        self._profile.cleanup()

    async def _page(self):
        """The address at which the browser lets its page be led, once it has written where it listens."""
        port_file = os.path.join(self._profile.name, "DevToolsActivePort")
        while True:
            if self._process.poll() is not None:
                raise AssertionError(f"{program()} has ended with {self._process.returncode}")
            try:
                with open(port_file, encoding="ascii") as file:
                    port = file.readline().strip()
                async with self._http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = [one for one in await answer.json() if one["type"] == "page"]
                if pages:
                    return pages[0]["webSocketDebuggerUrl"]
            except (FileNotFoundError, ValueError, aiohttp.ClientError):
                pass
            await asyncio.sleep(0.05)

    async def _read(self):
        async for message in self._socket:
            said = message.json()
            if said.get("id") in self._answers:
                self._answers.pop(said["id"]).set_result(said)
            self._complaint(said.get("method"), said.get("params", {}))

    def _complaint(self, method, what):
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(what["exceptionDetails"]))
        if method == "Runtime.consoleAPICalled" and what["type"] in ("error", "assert", "warning"):
            self.errors.append(str(what["args"]))
        if method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{what['entry']['text']} ({what['entry'].get('url')})")

    async def call(self, method, **params):
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        said = await asyncio.wait_for(answer, WITHIN)
        if "error" in said:
            raise AssertionError(f"{method}: {said['error']}")
        return said["result"]

    async def open(self, address):
        await self.call("Page.navigate", url=address)

    async def run(self, script):
        """Value of a JavaScript expression, awaited where it is a promise."""
        result = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    async def until(self, script):
        """Waits until an expression is true; returns its value."""
        end = asyncio.get_running_loop().time() + WITHIN
        while not (value := await self.run(script)):
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"not within {WITHIN} s: {script}\n{self.errors}")
            await asyncio.sleep(0.05)
        return value

    async def screenshot(self, path):
        picture = await self.call("Page.captureScreenshot", format="png")
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))
