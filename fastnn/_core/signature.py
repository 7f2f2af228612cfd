"""Parses the signatures of kernels (csrc/fn.h) into what `launch` checks a call with."""
import re
from typing import NamedTuple

# The operations of an extent's program; launch.pyx has the same numbers.
PUSH_NUMBER, PUSH_ARGUMENT, PUSH_IN_GROUP, ADD, SUBTRACT, MULTIPLY = range(6)
OPERATIONS = {"+": ADD, "-": SUBTRACT, "*": MULTIPLY}
STACK = 32      # launch.pyx evaluates on a stack of this depth


class Parameter(NamedTuple):
    name: str
    kind: str           # "a" array, or "n", "p", "i", "f"
    dtype: str          # of an array: "T", "f32", ... "any"; else ""
    read: bool
    written: bool
    optional: bool
    start: int          # of the extent's program, -1 if it has none
    length: int


class Signature(NamedTuple):
    parameters: list
    fixed: int          # parameters before the group that repeats
    group: int          # parameters of that group
    program: list       # (operation, operand) of all extents, one after the other


ITEM = re.compile(r"(\w+):(?:([npif])|(\w+)\[([^\]]*)\]([=~]?)(\??))$")


def parse(kernel, text):
    """The `Signature` that a text states; ValueError if it states none."""
    head, brace, tail = text.partition("{")
    if brace and not tail.rstrip().endswith("}"):
        raise ValueError(f"[{kernel}] the group of {text!r} is not closed")
    fixed, group = head.split(), tail.rstrip("} ").split()
    matches = []
    for item in fixed + group:
        match = ITEM.match(item)
        if not match:
            raise ValueError(f"[{kernel}] cannot read {item!r} in {text!r}")
        matches.append(match)
    # what an extent may name: the integers, by where they stand
    places = {}
    for i, match in enumerate(matches):
        if match[2] in ("n", "p", "i"):
            places[match[1]] = (PUSH_ARGUMENT, i) if i < len(fixed) else (PUSH_IN_GROUP, i - len(fixed))
    parameters, program = [], []
    for match in matches:
        name, scalar, dtype, extent, mode, optional = match.groups()
        if scalar:
            parameters.append(Parameter(name, scalar, "", False, False, False, -1, 0))
            continue
        code = compile_extent(kernel, extent, places)
        parameters.append(Parameter(name, "a", dtype, mode != "=", bool(mode), bool(optional), len(program), len(code)))
        program += code
    return Signature(parameters, len(fixed), len(group), program)


def compile_extent(kernel, text, places):
    """An expression of + - * ( ) as a program for a stack: `m*k` -> [push m, push k, multiply]."""
    tokens = re.findall(r"\d+|\w+|[-+*()]", text)
    position = 0

    def peek():
        return tokens[position] if position < len(tokens) else None

    def take():
        nonlocal position
        position += 1
        return tokens[position - 1] if position <= len(tokens) else None

    def term():
        token = take()
        if token == "(":
            inner = total()
            if take() != ")":
                raise ValueError(f"[{kernel}] parentheses of the extent {text!r}")
            return inner
        if token and token.isdigit():
            return [(PUSH_NUMBER, int(token))]
        if token in places:
            return [places[token]]
        raise ValueError(f"[{kernel}] the extent {text!r} names {token!r}, which is no integer argument")

    def chain(operand, operators):
        code = operand()
        while peek() in operators:
            operator = take()
            code = code + operand() + [(OPERATIONS[operator], 0)]
        return code

    def product():
        return chain(term, ("*",))

    def total():
        return chain(product, ("+", "-"))

    code = total()
    if position != len(tokens):
        raise ValueError(f"[{kernel}] cannot read the extent {text!r}")
    depth = 0
    for operation, _ in code:
        depth += 1 if operation <= PUSH_IN_GROUP else -1
        if depth > STACK:
            raise ValueError(f"[{kernel}] the extent {text!r} is too deep")
    return code


def product(shape):
    """The number of elements of a shape."""
    n = 1
    for side in shape:
        n *= side
    return n
