"""Write docs/keras.md: the public names of Keras 3, and which of them fastnn has.

    python tools/keras_names.py

It needs fastnn alone: Keras' side is stored in tests/golden/keras_names.json (collect_keras_names.py writes it).  What the page
says of missing names comes from keras_reasons.py; a name that is missing and has no reason there is an error.
tests/test_keras_names.py asks for the page to be as this command writes it.
"""
import ast
import collections
import fnmatch
import functools
import importlib
import inspect
import json
import pathlib
import sys
import textwrap

from keras_reasons import ARGUMENT_REASONS, MEMBER_REASONS, REASONS

ROOT = pathlib.Path(__file__).parents[1]
STORED, PAGE = ROOT / "tests/golden/keras_names.json", ROOT / "docs/keras.md"

# Modules whose submodules stand in one section with them.
GROUPS = ("keras.applications", "keras.datasets", "keras.legacy", "keras.preprocessing", "keras.utils")

# ---- What both sides need ----


def shown(default):
    """A default value, where it is one that code can write down."""
    if isinstance(default, list):
        default = tuple(default)
    try:
        ast.literal_eval(repr(default))
    except (ValueError, SyntaxError):
        return "..."
    return repr(default)


def arguments(value):
    """The parameters of a function, or of the constructor of a class; None if it does not tell."""
    try:
        if not inspect.isclass(value):
            return list(inspect.signature(value).parameters.values())
        if value.__init__ is object.__init__:
            return [] if value.__new__ is object.__new__ else list(inspect.signature(value.__new__).parameters.values())[1:]
        return list(inspect.signature(value.__init__).parameters.values())[1:]
    except (TypeError, ValueError):
        return None


# ---- fastnn's side ----


def module_of(namespace):
    """fastnn's module of the name that Keras has, or None."""
    module = importlib.import_module("fastnn")
    for part in namespace.split(".")[1:]:
        try:
            module = getattr(module, part)
        except AttributeError:
            try:
                module = importlib.import_module(f"{module.__name__}.{part}")
            except ImportError:
                return None
        if not inspect.ismodule(module):
            return None
    return module


def ours(path):
    """fastnn's object of the name that Keras has, or None."""
    namespace, _, name = path.rpartition(".")
    value = getattr(module_of(namespace), name, None)
    return None if inspect.ismodule(value) else value


def call_of(value):
    """What a class or function of fastnn takes: names by position, all names, whether any name is taken, and defaults."""
    parameters = arguments(value)
    if parameters is None:
        return None
    is_op = type(value).__name__ == "Op"          # takes its attributes by position too, after the tensors
    by_position, taken, anything = [], {}, False
    for p in parameters:
        if p.kind is p.VAR_KEYWORD:
            anything = True
            continue
        taken[p.name] = p.default
        if p.kind is p.POSITIONAL_OR_KEYWORD or is_op and p.kind is p.KEYWORD_ONLY:
            by_position.append(p.name)
        elif p.kind is p.VAR_POSITIONAL:
            by_position.append("*")
    if anything and inspect.isclass(value):     # handed on to the constructors of the classes below
        for base in value.__mro__[1:]:
            more = arguments(base) if base is not object else None
            taken.update({p.name: p.default for p in more or () if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
                          and p.name not in taken})
            if not any(p.kind is p.VAR_KEYWORD for p in more or ()):
                break
        anything = False
    return by_position, taken, anything


def differences(entry, value, method=False):
    """How a call of fastnn's object must differ from one of Keras': (arguments it lacks, sentences about the others)."""
    call = call_of(value)
    if call is None:
        return [], []
    by_position, taken, anything = call
    if method and by_position[:1] == ["self"]:
        by_position.pop(0)
    lacking, sentences, place, named = [], [], 0, False
    for word in entry:
        name, _, default = word.partition("=")
        if name.startswith("*"):
            named = True
            continue
        if name not in taken and "*" not in by_position[: place + 1]:
            if not anything:
                lacking.append(name)
        elif name in taken:
            if not named and "*" not in by_position and by_position[place:place + 1] != [name]:
                where = f"argument {by_position.index(name) + 1}" if name in by_position else "passed by name only"
                sentences.append(f"`{name}` is {where}, in Keras argument {place + 1}")
            if default and default != "..." and taken[name] is inspect.Parameter.empty:
                sentences.append(f"`{name}` has no default, in Keras `{default}`")
            elif default and default != "..." and not same(default, taken[name]):
                sentences.append(f"`{name}={shown(taken[name])}`, in Keras `{default}`")
        place += not named
    if not lacking:         # else it is likely the same argument by another name
        theirs = {word.partition("=")[0] for word in entry}
        sentences += [f"`{p.name}` must be passed" for p in arguments(value)
                      if p.default is p.empty and p.name not in {"self", *theirs} and "*args" not in theirs
                      and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return lacking, sentences


def has_member(cls, name):
    """Whether objects of one of fastnn's classes have a method or attribute, also one that a method sets."""
    return hasattr(cls, name) or any(name in set_by_methods(base) for base in cls.__mro__ if base.__module__.startswith("fastnn"))


@functools.cache
def set_by_methods(cls):
    """The names that the code of a class assigns: self.NAME = ...."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        return set()
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name) and node.value.id == "self"}


def same(written, default):
    """Whether a default is the one that Keras' code writes down."""
    mine = shown(default)
    return mine == "..." or mine == written or alike(ast.literal_eval(mine), ast.literal_eval(written))


def alike(a, b):
    """Whether two defaults mean the same: 1, 1.0 and, of strides and sizes, (1, 1)."""
    if isinstance(a, tuple) != isinstance(b, tuple):
        return all(alike(x, b) for x in a) if isinstance(a, tuple) else alike(b, a)
    return a == b


# ---- The page ----

INTRODUCTION = """# Keras' names in fastnn

This page lists the public names of Keras {version} and says for each whether fastnn has it: `keras.layers.Dense` is there
if there is `fastnn.layers.Dense`. It is written by a program, which a test runs again, so it is as new as the code:

    python tools/keras_names.py

"Next" means that fastnn is to have it and that the work has not come to it; no date goes with that. The other reasons
say what fastnn does without. Where a name is there and takes other arguments than in Keras, or its class lacks some of
the methods and attributes, the section says so; all others take Keras' arguments, in the same order and with the same
defaults. Whether they compute the same numbers is what the tests compare, not this page.

Names count once for each module that offers them: `keras.ops.add` and `keras.ops.numpy.add` are two.
"""


class Section:
    """What the page says of a namespace, with the modules below it if they stand in one section with it."""

    def __init__(self, title, entries, names, members):
        self.title, self.there, self.missing, self.other, self.unexplained = title, [], {}, [], []
        self.shared = collections.Counter()         # names that stand in another section already, by that section
        self.lacking = collections.defaultdict(list)
        self.members = collections.defaultdict(list)        # methods and attributes that are missing, by the reason
        for path, stored in entries:
            short = path[len(title) + 1:]
            value = ours(path)
            if value is None:
                reason = self.reason(path, names)
                self.missing.setdefault(reason, []).append(short)
                if reason is None:
                    self.unexplained.append(path)
                continue
            target = stored if isinstance(stored, str) else None
            again = target is not None and ours(target) is value
            if again and target.rpartition(".")[2] == short and not target.startswith(title + "."):
                self.shared[target.rpartition(".")[0]] += 1
            else:
                self.there.append(short)
            if not again:
                self.compare(short, stored if target is None else lookup(names, target), value)
            if inspect.isclass(value):
                self.compare_members(short, members.get(path, {}), value)

    def compare_members(self, short, members, cls):
        """Notes which methods and attributes are missing, and where the arguments of methods differ."""
        for name, stored in members.items():
            if not has_member(cls, name):
                reason = first_rule(MEMBER_REASONS, f"{short}.{name}") or "not there"
                self.members[reason].append(f"{short}.{name}")
            elif callable(getattr(cls, name, None)):
                self.compare(f"{short}.{name}", stored, getattr(cls, name), method=True)

    def compare(self, short, stored, value, method=False):
        """Notes where the arguments differ."""
        if stored is None:
            return
        lacking, sentences = differences(stored, value, method)
        for name in lacking:
            if name in ARGUMENT_REASONS:
                self.lacking[name].append(short)
        rest = [f"`{name}`" for name in lacking if name not in ARGUMENT_REASONS]
        if rest:
            sentences.insert(0, f"no {', '.join(rest)}")
        if sentences:
            self.other.append((short, sentences))

    @staticmethod
    def reason(path, names):
        """Why a name is missing; None if no rule says so."""
        name = path.rpartition(".")[2]
        for other in same_objects(names, path):
            if plain(other.rpartition(".")[2]) == plain(name) and ours(other) is not None:
                return f"only in `fastnn{other.rpartition('.')[0][5:]}`"
        return first_rule(REASONS, path.partition(".")[2])

    @property
    def counts(self):
        return len(self.there) + sum(self.shared.values()), sum(len(each) for each in self.missing.values())

    def row(self):
        there, missing = self.counts
        anchor = self.title.replace(".", "").lower()
        return f"| [{self.title}](#{anchor}) | {there} | {missing or ''} | {share(there, missing)} |"

    def text(self):
        """The section, as lines."""
        there, missing = self.counts
        lines = ["", f"## {self.title}", ""]
        if missing:
            lines += [f"Missing ({missing}):", ""]
            lines += wrapped(f"- **{reason}**: {listed(found)}" for reason, found in sorted(self.missing.items(), key=str))
        if self.lacking or self.other:
            lines += ["Other arguments:", ""]
            lines += wrapped([*(f"- no `{name}` ({ARGUMENT_REASONS[name]}): {listed(found)}"
                                for name, found in sorted(self.lacking.items())),
                              *(f"- `{short}`: {'; '.join(sentences)}" for short, sentences in self.other)])
        if self.members:
            lines += ["Methods and attributes that are missing:", ""]
            lines += wrapped(f"- **{reason}**: {quoted(found)}" for reason, found in sorted(self.members.items()))
        if there:
            also = [f"{count} that `{place}` has too" for place, count in sorted(self.shared.items())]
            names = [listed(self.there)] if self.there else []
            lines += wrapped([f"There ({there}): " + ", and ".join(names + also)])
        return lines[:-1]


def first_rule(rules, name):
    """What the first rule says that has a pattern for the name; None if there is none."""
    return next((text for patterns, text in rules.items()
                 if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.split())), None)


def plain(name):
    """CustomObjectScope and custom_object_scope are one name."""
    return name.replace("_", "").lower()


def share(there, missing):
    """In per cent, and 100 only if nothing is missing."""
    return f"{100 * there // (there + missing)} %"


def wrapped(items):
    """The lines of paragraphs or of a list, and an empty one after them."""
    lines = []
    for item in items:
        lines += textwrap.wrap(item, 120, subsequent_indent="  " * item.startswith("- "), break_long_words=False,
                               break_on_hyphens=False)
    return lines + [""]


def quoted(names):
    """Names in a line."""
    return ", ".join(f"`{name}`" for name in names)


def listed(names):
    """Names in a line; those that many modules have, once."""
    many = collections.Counter(name.rpartition(".")[2] for name in names if "." in name)
    single = [name for name in names if "." not in name or many[name.rpartition(".")[2]] < 4]
    again = [name for name in single if "." in name and name.rpartition(".")[2] in single]
    words = [f"`{name}`" for name in single if name not in again]
    words += [f"`{name}` of {count} modules" for name, count in many.items() if count >= 4]
    return ", ".join(words + [f"and {len(again)} of these again in modules below it"] * bool(again))


def lookup(names, path):
    """The stored entry of a path."""
    namespace, _, name = path.rpartition(".")
    return names[namespace][name]


def same_objects(names, path):
    """The other paths of Keras' object of that path."""
    entry = lookup(names, path)
    first = entry if isinstance(entry, str) else path
    others = [first, *(f"{namespace}.{name}" for namespace, entries in names.items()
                       for name, entry in entries.items() if entry == first)]
    return [other for other in others if other != path]


def sections():
    """All sections of the page, and the version of Keras."""
    stored = json.loads(STORED.read_text())
    names, grouped = stored["names"], {}
    for namespace, entries in names.items():
        title = next((group for group in GROUPS if namespace.startswith(group + ".")), namespace)
        grouped.setdefault(title, []).extend((f"{namespace}.{name}", entry) for name, entry in entries.items())
    return [Section(title, entries, names, stored["members"]) for title, entries in grouped.items() if entries], stored["keras"]


def page():
    """The text of the page."""
    made, version = sections()
    there, missing = (sum(numbers) for numbers in zip(*(section.counts for section in made)))
    lines = [INTRODUCTION.format(version=version), "| module | there | missing | share |", "| --- | ---: | ---: | ---: |"]
    lines += [section.row() for section in made]
    lines += [f"| **all** | {there} | {missing} | {share(there, missing)} |"]
    return "\n".join(lines + [line for section in made for line in section.text()]) + "\n"


def write():
    """Writes the page; an error if a name is missing and no rule says why."""
    unexplained = [path for section in sections()[0] for path in section.unexplained]
    if unexplained:
        sys.exit(f"Missing in fastnn, without a rule in REASONS that says why: {', '.join(unexplained)}")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))       # the package beside this file, whichever is installed
    write()
