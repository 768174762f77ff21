"""What happens to a text in an editor, and to a file on its way; all of it by a given chance."""

from __future__ import annotations

from random import Random

SIGNS = [
    "\t",
    "\x00",
    "{{",
    "}}",
    "{%",
    "%}",
    "'",
    '"',
    ":",
    ": ",
    "- ",
    "#",
    " #",
    "&a ",
    "*a",
    "!secret ",
    "!x",
    "|",
    ">",
]
SIGNS += [
    "[",
    "]",
    "{",
    "}",
    ",",
    "\\",
    "\n",
    "\r",
    "\r\n",
    " ",
    "   ",
    "~",
    "null",
    "@",
    "%",
    "<<: ",
    "---\n",
    "...",
    "ü",
    "ß",
]
SIGNS += ["\u2028", "\x85", "\ufeff", "😀", "\\ud800", "„", "“", "e1", "0x", "-", "9" * 400, "(" * 60, "x" * 3000]
WORDS = [
    "auslöser",
    "quelle",
    "spalten",
    "schlüssel",
    "felder",
    "verbindung",
    "aktionen",
    "wo",
    "key",
    "path",
    "null",
    "yes",
]
BYTES = [
    b"\x00",
    b"\xff",
    b"\xfe\xff",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\xf0\x9f",
    b"\x1a",
    b'"',
    b'""',
    b";",
    b",",
    b"\t",
]
BYTES += [
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\r\n",
    b"\xe4\xf6\xfc",
    b"\xa0",
    b"=1+1",
    b"'",
    b"|",
    b";;;;;;;;",
    b'"' * 7,
    b"x" * 5000,
]


def mutated_text(text: str, chance: Random) -> str:
    """The text after one to four things happened to it."""
    for _change in range(chance.randint(1, 4)):
        text = chance.choice(_TEXT_CHANGES)(text, chance)
    return text


def mutated_bytes(data: bytes, chance: Random) -> bytes:
    """The file after one to four things happened to it."""
    for _change in range(chance.randint(1, 4)):
        data = chance.choice(_BYTE_CHANGES)(data, chance)
    return data


def _insert(text: str, chance: Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(SIGNS) + text[at:]


def _replace(text: str, chance: Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(SIGNS) + text[at + chance.randint(1, 6) :]


def _cut(text: str, chance: Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + text[at + chance.randint(1, 12) :]


def _word(text: str, chance: Random) -> str:
    words = text.split(" ")
    words[chance.randrange(len(words))] = chance.choice([*WORDS, *SIGNS])
    return " ".join(words)


def _lines(text: str, chance: Random) -> str:
    lines = text.split("\n")
    index, target = chance.randrange(len(lines)), chance.randrange(len(lines))
    line = lines[index]
    match chance.randrange(5):
        case 0:
            lines.insert(target, line)
        case 1:
            del lines[index]
        case 2:
            del lines[index]
            lines.insert(target, line)
        case 3:
            lines[index] = " " * chance.randint(1, 4) + line
        case _:
            lines[index] = line[chance.randint(1, 4) :]
    return "\n".join(lines)


def _tabs(text: str, chance: Random) -> str:
    lines = text.split("\n")
    first = chance.randrange(len(lines))
    for index in range(first, min(first + chance.randint(1, 4), len(lines))):
        lines[index] = lines[index].replace("  ", "\t")
    return "\n".join(lines)


def _end(text: str, chance: Random) -> str:
    return text[: chance.randint(0, len(text))]


def _put(data: bytes, chance: Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(BYTES) + data[at:]


def _swap(data: bytes, chance: Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(BYTES) + data[at + chance.randint(1, 6) :]


def _lose(data: bytes, chance: Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + data[at + chance.randint(1, 40) :]


def _flip(data: bytes, chance: Random) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _rows(data: bytes, chance: Random) -> bytes:
    rows = data.split(b"\n")
    index, target = chance.randrange(len(rows)), chance.randrange(len(rows))
    row = rows[index]
    if chance.random() < 0.5:
        del rows[index]
    rows.insert(target, row)
    return b"\n".join(rows)


def _shorten(data: bytes, chance: Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _again(data: bytes, chance: Random) -> bytes:
    for encoding in ("utf-8", "latin-1"):
        try:
            return data.decode(encoding).encode(
                chance.choice(["cp1252", "utf-16", "utf-8", "cp850", "mac_roman"]), "replace"
            )
        except UnicodeDecodeError:
            continue
    return data


_TEXT_CHANGES = (_insert, _insert, _replace, _cut, _word, _lines, _lines, _tabs, _end)
_BYTE_CHANGES = (_put, _put, _swap, _lose, _flip, _rows, _shorten, _again)
