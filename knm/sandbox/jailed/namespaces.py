"""Building the jail: namespaces, a root of its own, no privileges.

The root of an interpreter that runs in the verifier itself is an empty directory. That of a
language of commands holds, read-only, where this system keeps its programs and libraries, and a
box, the one directory that can be written to (while compiling: see `command`).

The launcher calls `enter` before it forks the verifier, and the verifier, first in its pid
namespace, calls `lock`. Nothing can be read from the host after `enter`.
"""

import ctypes
import errno
import os

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

OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442  # the same on all architectures
AT_RECURSIVE = 0x8000
AT_EMPTY_PATH = 0x1000
OPEN_TREE_CLONE = 0x1
MOVE_MOUNT_F_EMPTY_PATH = 0x4
MOUNT_ATTRIBUTES = 0x1 | 0x2 | 0x4  # read-only, no set-user-id programs, no devices

NOBODY = 65534
SEALED = MS_NOSUID | MS_NODEV | MS_NOEXEC

SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/alternatives")
BOX = "/box"
BOX_OPTIONS = "size=64m,nr_inodes=1024,mode=0700"


def enter(*, commands: bool) -> None:
    """Move this single-threaded process into fresh namespaces with a root of its own.

    Args:
        commands: whether the root shall hold the system's programs and a box.

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
    system.write("/proc/self/setgroups", "deny")
    system.write("/proc/self/uid_map", f"{NOBODY} {user} 1")
    system.write("/proc/self/gid_map", f"{NOBODY} {group} 1")
    name = b"sandbox"
    system.call("sethostname", name, len(name))
    change_root(commands=commands)


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


def change_root(*, commands: bool) -> None:
    """Make a fresh read-only directory the root."""
    system.mount(None, "/", None, MS_REC | MS_PRIVATE)
    # Mounted over /proc because that directory is sure to exist, and nothing needs it any more.
    system.mount("none", "/proc", "tmpfs", SEALED, "size=65536,nr_inodes=32,mode=0755")
    os.chdir("/proc")
    os.mkdir("root", 0o755)
    if commands:
        for directory in SYSTEM:
            show(directory, f"root{directory}")
        box = f"root{BOX}"
        os.mkdir(box)
        system.mount("none", box, "tmpfs", MS_NOSUID | MS_NODEV, BOX_OPTIONS)
    system.call("pivot_root", b".", b".")
    system.call("umount2", b".", MNT_DETACH)
    system.mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | SEALED)
    # Inside a chroot the kernel refuses to make user namespaces, so no capability can be won back.
    os.chroot("/root")
    os.chdir("/")


def show(directory: str, place: str) -> None:
    """Make a directory of the system visible at `place`, read-only, with all mounted below it.

    One that is a link is made a link again; one that is not there is left out.
    """
    if os.path.islink(directory):
        os.symlink(os.readlink(directory), place)
        return
    if not os.path.isdir(directory):
        return
    os.makedirs(place)
    flags = OPEN_TREE_CLONE | AT_RECURSIVE
    tree = system.call("syscall", OPEN_TREE, -100, directory.encode(), ctypes.c_uint(flags))
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTRIBUTES, 0, 0, 0)
    system.call(
        "syscall",
        MOUNT_SETATTR,
        tree,
        b"",
        ctypes.c_uint(AT_EMPTY_PATH | AT_RECURSIVE),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    system.call("syscall", MOVE_MOUNT, tree, b"", -100, place.encode(), MOVE_MOUNT_F_EMPTY_PATH)
    os.close(tree)


def lock() -> None:
    """Drop all privileges of this process, and hide it from its children, for good."""
    system.drop_capabilities()
    system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
    system.prctl(system.PR_SET_DUMPABLE, 0)
