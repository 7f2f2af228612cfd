"""How wide text is in Helvetica and in the fonts with its measures (Arial, Liberation Sans), without any font at hand."""
import unicodedata

# Widths of the characters from the blank to "~", in thousandths of the size: Adobe's published metrics.
_PLAIN = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556,
    278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,
    611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833,
    556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584)
_BOLD = (
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556,
    333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667,
    611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889,
    611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584)


def text_width(text, size, bold=False):
    """The width of one line of text in points.

    Args:
        text: characters beyond ASCII count as those they are made of, or as 0.65 of the size; those of East Asia fill a square.
        size: of the font, in points.
        bold: whether it is the bold font.

    Example:
        >>> text_width("Dense", 10)
        28.9
    """
    table = _BOLD if bold else _PLAIN
    return round(sum(_character(c, table) for c in text) * size / 1000, 3)


def _character(c, table):
    if unicodedata.combining(c):
        return 0
    if unicodedata.east_asian_width(c) in "WF":
        return 1000
    base = unicodedata.normalize("NFD", c)[0]
    return table[ord(base) - 32] if " " <= base <= "~" else 650
