"""What makes the lab a world of its own: namespaces, private directories, shielded settings, its own network."""

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab.cluster.cgroups import Hierarchy
from lab.cluster.mounts import mounts
from lab.cluster.network import NODE_ADDRESS, PREFIX
from lab.errors import LabError

CLONE_FLAGS = {
    "mount": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "pid": 0x20000000,
    "network": 0x40000000,
}
PRIVATE = ("/var/lib", "/var/log")  # each lab has its own, kept in its directory
HIDDEN = ("/run", "/proc", "/sys", "/dev", *PRIVATE)  # nothing that the lab needs may be below these
# Settings of the whole machine that the kubelet writes. It is given plain files in their place.
SHIELDED = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)


def unshare() -> None:
    """Gives this process its own namespaces; of the pid namespace only its next child becomes a member."""
    # Python has os.unshare only from 3.12 on.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(sum(CLONE_FLAGS.values())):
        reason = os.strerror(ctypes.get_errno())
        raise LabError(
            f"cannot make namespaces ({reason}): run on a machine or VM where root may, not in a container"
        )


def entering(supervisor: int, directory: str) -> list[str]:
    """The command before a command that makes it run inside the lab."""
    # Not `ip netns exec`: it mounts /sys anew, which hides the control groups.
    return ["nsenter", f"--target={supervisor}", "-m", "-u", "-i", "-n", "-p", "-C", f"--wdns={directory}"]


def hidden(path: Path) -> str | None:
    """The directory that would hide this path inside the lab, if any."""
    return next((place for place in HIDDEN if path.is_relative_to(place)), None)


def make_private_world(directory: Path, groups: Iterable[Hierarchy]) -> None:
    """Prepares the namespaces, from inside."""
    _forget_foreign_mounts()
    _mount("-t", "proc", "proc", "/proc")
    _mount("-t", "sysfs", "sysfs", "/sys")  # a sysfs shows the network of the namespace it was mounted in
    _mount_control_groups(groups)
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for path in PRIVATE:
        own = directory / path.lstrip("/")
        own.mkdir(parents=True, exist_ok=True)
        _mount("--bind", str(own), path)
    _shield_settings(directory / "sysctl")
    socket.sethostname("lab")
    _make_network()


def _forget_foreign_mounts() -> None:
    """Drops copies of mounts that would keep other people's mounts and network namespaces alive."""
    _mount("--make-rprivate", "/")
    for mount in reversed(list(mounts())):
        inside_hidden = any(mount.point.startswith(f"{place}/") for place in ("/run", "/sys", *PRIVATE))
        of_a_pod = "/kubernetes.io~" in mount.point or "/io.containerd." in mount.point
        if inside_hidden or of_a_pod or mount.kind == "nsfs":
            # A mount below one that is already gone is gone with it: no error.
            subprocess.run(["umount", "--lazy", mount.point], capture_output=True)


def _mount_control_groups(groups: Iterable[Hierarchy]) -> None:
    """Mounts each hierarchy from inside the cgroup namespace, where the root is the lab's own directory."""
    top = Path("/sys/fs/cgroup")
    if all(Path(group.point) != top for group in groups):
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(top))
    for group in groups:
        Path(group.point).mkdir(exist_ok=True)
        _mount(*group.mount_options(), group.kind, group.point)


def _shield_settings(directory: Path) -> None:
    for name in SHIELDED:
        setting, copy = Path("/proc/sys", name), directory / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(setting.read_text())
        _mount("--bind", str(copy), str(setting))


def _make_network() -> None:
    """A bridge without ports stands for the node's network card: it has the address and the default route."""
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for command in (
        "link set lo up",
        "link add node0 type bridge",
        f"address add {NODE_ADDRESS}/{PREFIX} dev node0",
        "link set node0 up",
        "route add default dev node0",
    ):
        _run("ip", *command.split())


def _mount(*arguments: str) -> None:
    _run("mount", *arguments)


def _run(*command: str) -> None:
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        raise LabError(f"`{' '.join(command)}` failed inside the lab: {result.stderr.strip()}")
