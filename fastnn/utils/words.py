"""Texts as lists of words, as TensorFlow splits them: only ASCII letters become lower case, only ASCII spaces separate words."""
import re
import string

PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))
LOWER = {ord(upper): lower for upper, lower in zip(string.ascii_uppercase, string.ascii_lowercase)}
STANDARDS = {"lower": LOWER, "strip_punctuation": PUNCTUATION, "lower_and_strip_punctuation": {**LOWER, **PUNCTUATION}}
SEPARATORS = re.compile("[\x1c-\x1f]")      # which only str.split takes for spaces
WORD = re.compile("[^ \t\n\r\v\f]+")


def standardized(texts, standard):
    """Texts after one of the STANDARDS."""
    table = STANDARDS[standard]
    return [text.translate(table) for text in texts]


def split_at_spaces(text):
    """The words of a text, with any number of spaces between them."""
    return text.split() if text.isascii() and not SEPARATORS.search(text) else WORD.findall(text)


def ngrams(words, widths):
    """All runs of so many words, joined by spaces; those of the first width come first."""
    return [" ".join(words[i:i + width]) if width > 1 else words[i] for width in widths for i in range(len(words) - width + 1)]
