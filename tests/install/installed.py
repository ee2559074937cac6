# SPDX-License-Identifier: LGPL-2.1-or-later
"""An installed tree away from its build: what the tests of this folder share.

`meson install` goes into a temporary DESTDIR. Programs run there with an environment of their own, and with the folders of
the build hidden where the kernel allows a mount namespace: what is found then, was installed.
"""
import json
import os
import shutil
import subprocess
import tempfile

BUILD = os.environ["REDDIFF_BUILD"]
SOURCE = os.environ["REDDIFF_SOURCE"]
# A plugin reads none of these; a path to one of them that was baked in would be found in vain.
HIDDEN = [BUILD, os.path.join(SOURCE, "models"), os.path.join(SOURCE, "pipelines")]


def option(name):
    options = json.loads(subprocess.check_output(["meson", "introspect", "--buildoptions", BUILD]))
    return next(one["value"] for one in options if one["name"] == name)


def project_version():
    return json.loads(subprocess.check_output(["meson", "introspect", "--projectinfo", BUILD]))["version"]


def install():
    """A new temporary folder, and the prefix below it."""
    destdir = tempfile.mkdtemp(prefix="reddiff-install-")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", destdir], check=True,
                   stdout=subprocess.DEVNULL)
    return destdir, destdir + option("prefix")


def remove(destdir):
    shutil.rmtree(destdir)


def can_hide():
    probe = ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs none '{HIDDEN[0]}'"]
    return shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True).returncode == 0


def run(command, home, hidden=HIDDEN, **variables):
    """Result of `command` with nothing in its environment but PATH, a home of its own and `variables`."""
    if can_hide():
        mounts = " && ".join(f"mount -t tmpfs none '{folder}'" for folder in hidden)
        command = ["unshare", "-rm", "sh", "-c", mounts + ' && exec "$@"', "sh", *command]
    environment = {"PATH": "/usr/bin:/bin", "HOME": home, "GSETTINGS_BACKEND": "memory", "OMP_NUM_THREADS": "1", "LC_ALL": "C"}
    return subprocess.run(command, env={**environment, **variables}, cwd="/", capture_output=True, text=True, timeout=240)


def runpath(library):
    """Folders that `library` says its needs are in."""
    for line in subprocess.check_output(["readelf", "-d", library], text=True).splitlines():
        if "(RUNPATH)" in line or "(RPATH)" in line:
            return line.split("[")[1].rstrip("]").split(":")
    return []
