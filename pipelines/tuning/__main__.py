# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/tune: compare input and output, and choose the settings of reddiff by eye, in a browser."""
import argparse
import asyncio
import socket
import sys

import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402 (the version comes first)

# Before anything that loads libstdc++, such as PIL: Debian's GStreamer brings libunwind, and a C++ library whose exceptions begin
# in libgcc's unwinder and go on in libunwind's ends the process.
Gst.init(None)
from aiohttp import web  # noqa: E402

from player import Player  # noqa: E402
from properties import Properties, Refused, Unknown  # noqa: E402
from server import Server  # noqa: E402
from source import Source  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(prog="pipelines/tune", description=__doc__.partition(": ")[2])
    parser.add_argument("source", metavar="FILE|URI|/dev/videoN", help="anything GStreamer decodes; rtsp://... and cameras are live")
    parser.add_argument("values", metavar="PROPERTY=VALUE", nargs="*", help="settings to begin with; gst-inspect-1.0 reddiff lists them")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; others than this machine's own let others in who "
                        "know the token, and nothing is encrypted (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: one that is free)")
    parser.add_argument("--past", type=int, default=2, help="frames restored before one that is shown again, so that it has a past "
                        "to draw on (default: %(default)s; 0 is fastest)")
    return parser.parse_intermixed_args()


def read_values(properties, words):
    values = {}
    for one in words:
        name, equals, text = one.partition("=")
        if not equals:
            raise Refused(f"{one!r} is not PROPERTY=VALUE.")
        values[name] = properties.read(name, text)
    return {name: text for name, text in values.items() if not properties.is_default(name, text)}


async def serve(server, host, port):
    runner = web.AppRunner(server.application(), access_log=None)
    await runner.setup()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    await web.SockSite(runner, listener).start()
    shown = f"[{host}]" if ":" in host else host
    print(f"http://{shown}:{listener.getsockname()[1]}/{server.token}/", flush=True)
    print("Open this address in a browser; Ctrl-C ends.", file=sys.stderr, flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main():
    options = arguments()
    element = Gst.ElementFactory.make("reddiff")
    if not element:
        sys.exit("tune: GStreamer has no element reddiff: build it with pipelines/setup, or name the folder of its plugin in "
                 "GST_PLUGIN_PATH_1_0")
    properties = Properties(element)
    try:
        source, values = Source(options.source), read_values(properties, options.values)
    except (FileNotFoundError, Unknown, Refused) as error:
        sys.exit(f"tune: {error}")
    player = Player(source, properties, values, max(0, options.past))
    player.start()
    try:
        asyncio.run(serve(Server(player, properties, options.host), options.host, options.port))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"tune: cannot listen on {options.host}:{options.port}: {error.strerror}")
    finally:
        player.close()


if __name__ == "__main__":
    main()
