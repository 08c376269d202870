"""Base images without a registry: Debian's packages, as they are installed on this machine, under the names that the
injected Dockerfile asks for.

They are stand-ins: `eclipse-temurin:*-alpine` is Debian with Debian's JDK here, and `maven:*` has Debian's Maven. What
a test proves with them, it proves of the Dockerfile, of BuildKit and of the engine, and not of the real images. They
are made on a Docker engine that the tests themselves started, and on no other.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from docker import APIClient

JAVA_HOME = "/usr/lib/jvm/java-17-openjdk-amd64"
SYSTEM = ("base-files", "bash", "coreutils", "dash", "findutils", "grep", "gzip", "libc-bin", "sed", "tar")
JAVA = ("ca-certificates-java", "maven", "openjdk-17-jdk-headless")
INSTALL = f"apt-get install -y docker.io iproute2 {' '.join(JAVA)}"
NAMES = (
    "eclipse-temurin:17-jdk-alpine",
    "eclipse-temurin:17-jre-alpine",
    "maven:3.9-eclipse-temurin-17-alpine",
)
CHANGES = (
    f"ENV JAVA_HOME={JAVA_HOME}",
    f"ENV PATH={JAVA_HOME}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
    "ENV LANG=C.UTF-8",
)
MERGED = ("bin", "lib", "lib64", "sbin")
"""Links into /usr, as on every Debian now."""
LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/lintian/")
MAVEN = "/usr/share/maven"
"""Debian's is links to all over the system; the image's, which the Dockerfile copies from, is one directory."""
TRUSTED = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/java/cacerts")
"""What this machine trusts, a proxy's authority among it perhaps, the images trust, too."""
MADE = {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n"}


def make(api: APIClient) -> None:
    """Import the base under all its names."""
    first, _, tag = NAMES[0].partition(":")
    with tempfile.NamedTemporaryFile(prefix="whaleray-base-", suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            _fill(archive, _files(_packages()))
        file.flush()
        api.import_image_from_file(file.name, repository=first, tag=tag, changes=list(CHANGES))
    for name in NAMES[1:]:
        repository, _, tag = name.partition(":")
        api.tag(NAMES[0], repository, tag)


def _fill(archive: tarfile.TarFile, files: Iterable[Path]) -> None:
    for name in MERGED:
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
        archive.addfile(link)
    for name, mode in (("tmp", 0o1777), ("root", 0o700), ("proc", 0o755), ("sys", 0o755), ("dev", 0o755)):
        directory = tarfile.TarInfo(name)
        directory.type, directory.mode = tarfile.DIRTYPE, mode
        archive.addfile(directory)
    for path in files:
        real = path.resolve() if str(path).startswith((MAVEN, *TRUSTED)) else path
        member = archive.gettarinfo(real, str(path).lstrip("/"))
        member.uid = member.gid = 0
        if member.isreg():
            with real.open("rb") as content:
                archive.addfile(member, content)
        else:
            archive.addfile(member)
    for name, text in MADE.items():
        member = tarfile.TarInfo(name)
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))


def _packages() -> list[str]:
    """Those named, and all they depend on."""
    leave = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    command = ["apt-cache", "--installed", "--recurse", *leave, "depends", *SYSTEM, *JAVA]
    named = {line for line in _said(command).splitlines() if line[:1].isalnum()}
    there = _said(["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\\n"]).splitlines()
    found = named & {line.removesuffix(" installed") for line in there}  # of alternatives one is there
    missing = [name for name in (*SYSTEM, *JAVA) if name not in found]
    assert not missing, f"The base images are made of Debian's packages; {', '.join(missing)} are missing: {INSTALL}"
    return sorted(found)


def _files(packages: list[str]) -> Iterator[Path]:
    seen = set()
    maven = [f"{top}/{name}" for top, _, names in os.walk(MAVEN, followlinks=True) for name in names]
    listed = _said(["dpkg", "--listfiles", *packages]).splitlines()
    for line in [*(line for line in listed if not line.startswith(MAVEN)), *maven, *TRUSTED]:
        if not line.startswith("/") or line.startswith(LEFT_OUT):
            continue
        path = Path(f"/usr{line}" if line.split("/")[1] in MERGED else line)
        there = path.is_symlink() or path.is_file()
        if there and path not in seen:
            seen.add(path)
            yield path


def _said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command[:3])} failed: {done.stderr[-1000:]}. {INSTALL}"
    return done.stdout
