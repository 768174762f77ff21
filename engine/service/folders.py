"""What kind of drive a folder lies on: network drives don't tell of changes that others make."""

from __future__ import annotations

import os
import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

NETWORK_TYPES = (
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "9p", "afs", "coda", "ceph", "lustre", "gpfs", "beegfs", "gfs2"),
    *("ocfs2", "orangefs", "glusterfs", "davfs*", "drvfs", "vboxsf", "vmhgfs", "prl_fs", "virtiofs"),
    *("fuse.sshfs", "fuse.*rclone*", "fuse.*s3*", "fuse.gcsfuse", "fuse.goofys", "fuse.*gluster*", "fuse.ceph*"),
    *("fuse.*dav*", "fuse.*ftpfs", "fuse.*smb*", "fuse.*nfs*", "fuse.gvfsd-fuse", "fuse.vmhgfs-fuse", "fuse.juicefs"),
)
"""Types in mountinfo whose content another machine, or the host of a virtual one, changes unseen by our kernel."""

_MOUNTS = Path("/proc/self/mountinfo")
_DRIVE_REMOTE = 4


def is_network(path: Path) -> bool:
    """Whether the path lies on a drive that others change unseen by this machine; False where that can't be told."""
    full = os.path.realpath(path)
    if sys.platform == "win32":
        import ctypes

        drive = os.path.splitdrive(full)[0]
        return is_unc(full) or ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\") == _DRIVE_REMOTE
    else:  # noqa: RET505 - what is behind the other branch would be unreachable for a type checker on Windows
        try:
            # Mount points are bytes in no certain encoding, as names of files are.
            mountinfo = os.fsdecode(_MOUNTS.read_bytes())
        except OSError:
            return False
        return lies_on_network(PurePosixPath(full), mountinfo)


def lies_on_network(path: PurePosixPath, mountinfo: str) -> bool:
    """Whether the mount that an absolute path lies on, by the text of ``/proc/self/mountinfo``, is of the network."""
    depth, network = -1, False
    for line in mountinfo.split("\n"):
        # 36 35 98:0 /root /mount/point rw,noatime master:1 - type source options; before the dash any number of words
        before, _dash, behind = line.partition(" - ")
        words, kind = before.split(" "), behind.split(" ")
        if len(words) < 5 or len(kind) < 2:
            continue
        mount = PurePosixPath(_unescaped(words[4]))
        # The longest mount point counts; of two at one place the later one covers the earlier one.
        if path.is_relative_to(mount) and len(mount.parts) >= depth:
            depth, network = len(mount.parts), _is_network_type(kind[0], kind[1])
    return network


def is_unc(path: str) -> bool:
    r"""Whether a Windows path names a server: ``\\server\share``, not ``\\?\C:`` or ``\\.\device``."""
    text = path.replace("/", "\\").upper()
    return text.startswith("\\\\?\\UNC\\") or (text.startswith("\\\\") and text[2:4] not in ("?\\", ".\\"))


def _is_network_type(kind: str, source: str) -> bool:
    # davfs2 calls itself plain fuse and shows the server's address as the source.
    return any(fnmatchcase(kind, known) for known in NETWORK_TYPES) or (kind == "fuse" and "://" in source)


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)
