"""Names as matplotlib can draw them."""

from ..core.io.names import printable


def plain(name: str) -> str:
    """A file's or sequence's name, which may be any bytes, as text without formulas.

    What stands between two dollars would be read as TeX; a legend leaves out what begins with an
    underscore.
    """
    text = printable(name).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
