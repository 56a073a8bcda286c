"""Building the jail: namespaces, an empty root, no privileges.

The launcher calls `enter` before it forks the verifier, and the verifier, first in its pid
namespace, calls `lock`. Nothing can be read from the host after `enter`.
"""

import errno
import os
from pathlib import Path

from . import system

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 0x2

NOBODY = 65534
SEALED = MS_NOSUID | MS_NODEV | MS_NOEXEC


def enter() -> None:
    """Move this single-threaded process into fresh namespaces with an empty root.

    Raises:
        OSError: the kernel denies a step; the message names it.
    """
    if os.geteuid() == 0:
        become_nobody()
    user, group = os.geteuid(), os.getegid()
    system.call(
        "unshare",
        CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
    )
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")
    name = b"sandbox"
    system.call("sethostname", name, len(name))
    empty_root()


def become_nobody() -> None:
    """Give up root: the kernel exempts the real one from the limit on processes."""
    try:
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setgroups([])
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # The user is unknown to this user namespace, so this is a container's root, which the
        # kernel does not exempt from anything.
    # Changing the user hid /proc/self from us, and the identity maps are written there.
    system.prctl(system.PR_SET_DUMPABLE, 1)


def empty_root() -> None:
    """Make an empty read-only directory the root."""
    system.mount(None, "/", None, MS_REC | MS_PRIVATE)
    # Mounted over /proc because that directory is sure to exist, and nothing needs it any more.
    system.mount("none", "/proc", "tmpfs", SEALED, "size=4096,nr_inodes=4,mode=0755")
    os.chdir("/proc")
    Path("empty").mkdir(mode=0o555)
    system.call("pivot_root", b".", b".")
    system.call("umount2", b".", MNT_DETACH)
    system.mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | SEALED)
    # Inside a chroot the kernel refuses to make user namespaces, so no capability can be won back.
    os.chroot("/empty")
    os.chdir("/")


def lock() -> None:
    """Drop all privileges of this process, and hide it from its children, for good."""
    system.drop_capabilities()
    system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
    system.prctl(system.PR_SET_DUMPABLE, 0)
