"""Faults of templates: why one value can't be made. Always about one row or one place, never about the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn


class Fault(Exception):
    """A value that can't be made: a stable code, what is wrong, and what to do."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Unusable:
    """A value of a row that can't be believed, such as a cell that holds an error: whatever uses it fails with its
    fault, so only those fields fail that need it.
    """

    __slots__ = ("fault",)

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def _fail(self, *_args: Any) -> NoReturn:
        raise self.fault.with_traceback(None)

    __str__ = __bool__ = __len__ = __hash__ = __int__ = __float__ = __index__ = _fail
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _fail
    __contains__ = __getitem__ = __format__ = __call__ = _fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = _fail
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __pow__ = __rpow__ = __neg__ = __pos__ = _fail

    def __iter__(self) -> Iterator[Any]:
        self._fail()

    def __repr__(self) -> str:
        return "<unusable>"


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake seen in a template's text: ``needle`` and ``line`` (from 1) say where inside of it.

    ``instead`` is the whole text as it should be, where nothing else can have been meant.
    """

    code: str
    message: str
    hint: str = ""
    needle: str | None = None
    line: int | None = None
    severity: str = "error"
    instead: str | None = None
