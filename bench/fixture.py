"""A repository that the process engine builds in a moment: its `mvnw` packs a class that was compiled beforehand, so
that a deployment is WhaleRay's own work and a JVM's start."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.town import POM

SOURCE = """
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public class Application {
    public static void main(String[] arguments) throws Exception {
        byte[] body = Application.class.getResourceAsStream("/version").readAllBytes();
        int port = Integer.parseInt(System.getenv("SERVER_PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress(System.getenv("SERVER_ADDRESS"), port), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
"""
MANIFEST = "Manifest-Version: 1.0\nMain-Class: Application\nStart-Class: Application\nSpring-Boot-Version: 3.5.0\n"
PACKS = "mkdir -p target && cp app.jar target/app.jar"
FAILS = 'echo "[ERROR] /src/main/java/Application.java:[3,9] cannot find symbol"; exit 1'


@cache
def _compiled() -> bytes:
    with TemporaryDirectory(prefix="whaleray-bench-") as directory:
        source = Path(directory) / "Application.java"
        source.write_text(SOURCE)
        subprocess.run(["javac", "-proc:none", "--release", "17", "-d", directory, source], check=True, timeout=60)
        return (Path(directory) / "Application.class").read_bytes()


def files(version: str, script: str = PACKS) -> Mapping[str, bytes]:
    """It answers every request with `version`. `script` is what its build does."""
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", MANIFEST)
        archive.writestr("version", version)
        archive.writestr("Application.class", _compiled())
    return {
        "pom.xml": POM,
        "mvnw": f"#!/bin/sh\nset -e\n{script}\n".encode(),
        ".mvn/wrapper/maven-wrapper.properties": b"distributionUrl=https://localhost/none.zip\n",
        "src/main/java/Application.java": SOURCE.encode(),
        "app.jar": jar.getvalue(),
    }
