"""Makes the lab's container images from files of this machine: programs and the libraries they are linked with.

An image is described by a Recipe and written as an OCI archive into the cache, under a name that changes with
the recipe and with the version of every file in it.
"""

import hashlib
import io
import json
import os
import platform
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lab.build import cache
from lab.errors import LabError

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
DIRECTORIES = ("etc", "proc", "sys", "dev", "run", "var/run", "var/log")
ACCOUNTS = {
    "etc/passwd": (
        "root:x:0:0:root:/:/bin/sh\nistio-proxy:x:1337:1337::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
    ),
    "etc/group": "root:x:0:\nistio-proxy:x:1337:\nnogroup:x:65534:\n",
}
FORMAT = "1"  # to be raised when this module writes archives differently


@dataclass(frozen=True)
class Recipe:
    """What is in an image. Paths inside the image are written without the leading slash."""

    name: str
    entrypoint: tuple[str, ...]
    programs: dict[str, Path] = field(default_factory=dict)  # copied together with their libraries
    texts: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    directories: tuple[str, ...] = ()
    user: str = ""

    def files(self) -> dict[str, Path]:
        """Every file of the image and where it comes from."""
        files = dict(self.programs)
        for library in libraries(self.programs.values()):
            files.setdefault(str(library).lstrip("/"), library)
        return files

    def key(self) -> str:
        """Names this recipe made of exactly these versions of its files."""
        versions = [f"{path} {_version(source)}" for path, source in sorted(self.files().items())]
        parts = [FORMAT, self.name, *self.entrypoint, self.user, *self.directories, *versions]
        return cache.key(*parts, json.dumps([self.texts, self.links], sort_keys=True))

    @cached_property
    def archive(self) -> Path:
        """Where the finished archive is, or will be."""
        short = self.name.split("/", 1)[1].replace("/", "-").replace(":", "-")
        return cache.root() / "images" / f"{short}-{self.key()}.tar"


def _version(source: Path) -> str:
    """What tells this file from other versions of it. Clones keep Envoy in different places: content counts."""
    if source.is_relative_to(cache.root()):
        return str(
            source.relative_to(cache.root())
        )  # the tools' and packages' directories name their version
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def libraries(programs: Iterable[Path]) -> list[Path]:
    """The shared libraries of these programs, their loader included; a static program has none."""
    dynamic = [str(program) for program in programs if _is_elf(program)]
    if not dynamic:
        return []
    listed = subprocess.run(["ldd", *dynamic], capture_output=True, text=True).stdout
    found = []
    for line in listed.splitlines():
        if "not found" in line:
            raise LabError(
                f"a library is missing on this machine: {line.strip()}; install the package that has it"
            )
        if line.startswith("\t"):  # other lines name the program that the following ones are about
            found += [Path(word) for word in line.split() if word.startswith("/")]
    return found


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def make(recipe: Recipe) -> Path:
    """Writes the image's archive unless it is there already."""
    archive = recipe.archive
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        # Two labs may write the same archive at once; each has its own unfinished file.
        unfinished = archive.with_suffix(f".{os.getpid()}.new")
        try:
            write_archive(recipe, unfinished)
            unfinished.rename(archive)
        finally:
            unfinished.unlink(missing_ok=True)
    return archive


def write_archive(recipe: Recipe, path: Path) -> None:
    """Writes an OCI archive of one layer."""
    layer_path = path.with_suffix(".layer")
    try:
        _write_layer(recipe, layer_path)
        with layer_path.open("rb") as file:
            layer_hash = hashlib.file_digest(file, "sha256").hexdigest()
        with tarfile.open(path, "w") as archive:
            for name, content in _descriptions(recipe, layer_hash, layer_path.stat().st_size):
                archive.addfile(_entry(name, size=len(content)), io.BytesIO(content))
            archive.add(layer_path, f"blobs/sha256/{layer_hash}", filter=_plain)
    finally:
        layer_path.unlink(missing_ok=True)


def _write_layer(recipe: Recipe, path: Path) -> None:
    texts = {**ACCOUNTS, **recipe.texts}
    files = recipe.files()
    with tarfile.open(path, "w") as layer:
        for directory in _directories({*files, *texts, *recipe.links}, (*DIRECTORIES, *recipe.directories)):
            layer.addfile(_entry(directory, kind=tarfile.DIRTYPE, mode=0o755))
        layer.addfile(_entry("tmp", kind=tarfile.DIRTYPE, mode=0o1777))
        for name, source in sorted(files.items()):
            with source.open("rb") as file:
                mode = 0o755 if os.access(source, os.X_OK) else 0o644
                layer.addfile(_entry(name, size=source.stat().st_size, mode=mode), file)
        for name, text in sorted(texts.items()):
            layer.addfile(_entry(name, size=len(text.encode())), io.BytesIO(text.encode()))
        for name, target in sorted(recipe.links.items()):
            link = _entry(name, kind=tarfile.SYMTYPE, mode=0o777)
            link.linkname = target
            layer.addfile(link)


def _directories(files: set[str], more: tuple[str, ...]) -> list[str]:
    """Every directory that has to exist, parents before children."""
    wanted = set(more)
    for name in (*files, *more):
        wanted.update(str(parent) for parent in Path(name).parents)
    return sorted(wanted - {".", "tmp"})


def _descriptions(recipe: Recipe, layer_hash: str, layer_size: int) -> Iterator[tuple[str, bytes]]:
    """The archive's JSON documents: configuration, manifest and index of the image."""
    target = {"architecture": ARCHITECTURES.get(platform.machine(), platform.machine()), "os": "linux"}
    process: dict[str, object] = {"Entrypoint": recipe.entrypoint, "User": recipe.user}
    process["Env"] = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    config = {
        **target,
        "config": process,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_hash}"]},
        "history": [{"created_by": "mirrored-service lab"}],
    }
    config_bytes = json.dumps(config).encode()
    kind = "application/vnd.oci.image"
    layer = {"mediaType": f"{kind}.layer.v1.tar", "digest": f"sha256:{layer_hash}", "size": layer_size}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", **_digest(config_bytes)},
        "layers": [layer],
    }
    manifest_bytes = json.dumps(manifest).encode()
    entry = {
        "mediaType": f"{kind}.manifest.v1+json",
        **_digest(manifest_bytes),
        "platform": target,
        "annotations": {"io.containerd.image.name": recipe.name},
    }
    yield "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'
    yield "index.json", json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    for content in (config_bytes, manifest_bytes):
        yield f"blobs/sha256/{hashlib.sha256(content).hexdigest()}", content


def _digest(content: bytes) -> dict[str, object]:
    return {"digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}


def _entry(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, mode: int = 0o644) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.mode = size, kind, mode
    return entry


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Keeps time and owner of the file on disk out of the archive."""
    return _entry(entry.name, size=entry.size)
