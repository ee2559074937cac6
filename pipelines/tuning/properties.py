# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of the element can be set: read from the element itself, so that nothing about it is written down twice.

Values are text here, as gst-launch-1.0 takes them: the page, the command line and the line to copy say the same.
"""
import math
import re

from gi.repository import Gst

# A page must not be able to make the element run a program.
COMMAND_LINE_ONLY = {"allow-code"}
LONGEST_TEXT = 4096
WHOLE = {"gint", "guint", "gint64", "guint64", "glong", "gulong"}
REAL = {"gfloat", "gdouble"}


class Unknown(Exception):
    """There is no such property; the text is a sentence for the user."""


class Refused(Exception):
    """A value that the property does not take; the text is a sentence for the user."""


def flags(spec):
    return int(spec.flags) & 0xFFFFFFFF


def kind(spec):
    """How a property is set: choice, words (joined by +), switch, whole, real or text; None for what text cannot set."""
    fundamental = spec.value_type.fundamental.name
    if fundamental in WHOLE:
        return "whole"
    if fundamental in REAL:
        return "real"
    return {"GEnum": "choice", "GFlags": "words", "gboolean": "switch", "gchararray": "text"}.get(fundamental)


def number(value):
    return str(value) if isinstance(value, int) else f"{value:.10g}"


def default(spec):
    value = spec.default_value
    return {"choice": lambda: value.value_nick, "switch": lambda: "true" if value else "false", "text": lambda: value or "",
            "words": lambda: "+".join(flag.first_value_nick for flag in all_flags(spec) if int(value) & int(flag))}.get(
                kind(spec), lambda: number(value))()


def all_flags(spec):
    return spec.flags_class.__flags_values__.values()


def choices(spec):
    if kind(spec) == "words":
        return [(flag.first_value_nick, flag.first_value_name) for flag in all_flags(spec)]
    return [(value.value_nick, value.value_name) for value in spec.enum_class.__enum_values__.values()]


class Properties:
    """Those properties of an element's own class that text can set, in the order of the class."""

    def __init__(self, element):
        writable = Gst.PARAM_MUTABLE_READY | Gst.PARAM_MUTABLE_PAUSED | Gst.PARAM_MUTABLE_PLAYING
        self._specs = {spec.name: spec for spec in element.list_properties()
                       if spec.owner_type == element.__gtype__ and flags(spec) & writable and flags(spec) & 2 and kind(spec)}

    def _spec(self, name):
        if not isinstance(name, str) or name not in self._specs:
            raise Unknown(f"There is no property {name!r}: there are {', '.join(self._specs)}.")
        return self._specs[name]

    def describe(self):
        """One dict for each property, for the page."""
        described = []
        for name, spec in self._specs.items():
            one = {"name": name, "kind": kind(spec), "blurb": spec.blurb, "default": default(spec),
                   "live": self.is_live(name), "controllable": bool(flags(spec) & Gst.PARAM_CONTROLLABLE),
                   "locked": name in COMMAND_LINE_ONLY}
            if kind(spec) in ("whole", "real"):
                one["range"] = [number(spec.minimum), number(spec.maximum)]
            if kind(spec) in ("choice", "words"):
                one["choices"] = choices(spec)
            described.append(one)
        return described

    def read_from_page(self, name, text):
        """As read(), without what only the command line may set."""
        if name in COMMAND_LINE_ONLY:
            raise Refused(f"{name} is set on the command line only, as it lets files run programs: pipelines/tune FILE {name}=true")
        return self.read(name, text)

    def is_live(self, name):
        """Whether it can change in a pipeline that plays."""
        return bool(flags(self._spec(name)) & Gst.PARAM_MUTABLE_PLAYING)

    def is_default(self, name, text):
        return text == default(self._spec(name))

    def read(self, name, text):
        """`text` in the spelling that values have here; raises Unknown or Refused."""
        spec = self._spec(name)
        if not isinstance(text, str) or len(text) > LONGEST_TEXT or not text.isprintable():
            raise Refused(f"{name} takes one line of at most {LONGEST_TEXT} characters.")
        return {"choice": self._choice, "words": self._words, "switch": self._switch, "text": lambda _, text: text}.get(
            kind(spec), self._number)(spec, text)

    @staticmethod
    def _choice(spec, text):
        nicks = [nick for nick, _ in choices(spec)]
        if text not in nicks:
            raise Refused(f"{spec.name} is one of {', '.join(nicks)}, not {text!r}.")
        return text

    @staticmethod
    def _words(spec, text):
        nicks = [nick for nick, _ in choices(spec)]
        if text and not set(text.split("+")) <= set(nicks):
            raise Refused(f"{spec.name} is some of {', '.join(nicks)}, joined by +, or empty, not {text!r}.")
        return text

    @staticmethod
    def _switch(spec, text):
        if text not in ("true", "false"):
            raise Refused(f"{spec.name} is true or false, not {text!r}.")
        return text

    @staticmethod
    def _number(spec, text):
        wanted = f"a {'whole ' if kind(spec) == 'whole' else ''}number from {number(spec.minimum)} to {number(spec.maximum)}"
        try:
            value = int(text) if kind(spec) == "whole" else float(text)
        except ValueError:
            value = math.nan
        if not spec.minimum <= value <= spec.maximum:
            raise Refused(f"{spec.name} is {wanted}, not {text!r}.")
        return number(value)


def word(name, text):
    """A property as one word of a launch line, in the quoting of GStreamer's own parser; a shell's comes on top of it."""
    if re.fullmatch(r"[\w./:=,+%~-]+", text, re.ASCII):
        return f"{name}={text}"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'
