"""Links of a group: a symbol table (as by default), or messages, in its header or, if they are many, in a fractal heap."""
from .btrees import walk_old
from .fractal_heap import in_heap
from .headers import LINK, LINK_INFO, SYMBOL_TABLE, resolved
from .heaps import local_heap
from .source import Damaged, Fields

HARD, SOFT, EXTERNAL = 0, 1, 64


def read_links(header):
    """{name: address of an object header, or, as a str, what is refused} for the header of a group."""
    source, links = header.source, {}
    if header.has(SYMBOL_TABLE):
        links.update(_symbol_table(source, header.get(SYMBOL_TABLE)))
    links.update(_read_link(resolved(source, *message, LINK)) for message in header.messages.get(LINK, []))
    if header.has(LINK_INFO):
        links.update(_dense(source, header.get(LINK_INFO)))
    for name in links:
        if "/" in name or name in ("", "."):
            raise Damaged(f"{name!r} is no name")
    return links


def _symbol_table(source, fields):
    """"Symbol Table Message", "Group Symbol Table Nodes"."""
    tree, heap = fields.address(), fields.address()
    names, size = local_heap(source, heap), 2 * source.offset_size + 24
    for _, node in walk_old(source, tree, 0, source.length_size):
        fields = source.fields(node, 8, b"SNOD")
        fields.version(1)
        count = fields.skip(1).number(2)
        fields = source.fields(node + 8, count * size)
        for _ in range(count):
            start, address, kind = fields.number(source.offset_size), fields.address(), fields.number(4)
            fields.skip(20)
            end = names.index(b"\0", start)
            source.spend(end - start)       # a long name that all entries share would take more memory than the file
            yield names[start:end].decode(), "a soft link" if kind == 2 else address


def _dense(source, fields):
    for heap, record in in_heap(source, fields, 8, 5):
        yield _read_link(Fields(heap.get(record[4:]), source))


def _read_link(fields):
    """"Link Message" -> (name, address or what is refused)."""
    fields.version(1)
    flags = fields.number()
    kind = fields.number() if flags & 8 else HARD
    fields.skip((8 if flags & 4 else 0) + (1 if flags & 16 else 0))     # order of creation, character set
    name = fields.take(fields.number(1 << (flags & 3))).decode()
    if kind == HARD:
        return name, fields.address()
    return name, {SOFT: "a soft link", EXTERNAL: "a link to another file"}.get(kind, "a link that a program defined")
