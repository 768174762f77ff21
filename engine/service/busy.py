"""Whether another program still has a file open for writing, as far as the system tells."""

from __future__ import annotations

import errno
import sys
from typing import BinaryIO

LEASES = sys.platform == "linux"


def is_being_written(file: BinaryIO) -> bool:
    """Whether anybody has the open ``file`` open for writing. False where that can't be told.

    Linux gives a lease for reading only where nobody writes. Windows does not even open a file that a program keeps
    for itself. Whoever calls this on Linux must ignore SIGIO: it comes where somebody opens the file in that moment.
    """
    if not LEASES:
        return False
    import fcntl

    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        # Other errors: the file is somebody else's, or its file system knows no leases.
        return error.errno == errno.EAGAIN
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False
