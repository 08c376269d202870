"""The injected image: what its text promises, and its shell steps run on real files under /bin/sh.

No container engine is at work here: the JDK's `jar` and `java` are stood in for by scripts that do to the files what
those would do. The docker engine's own tests build the image.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bot.errors import UserError
from bot.inspection.dockerfile import injected_dockerfile, injected_dockerignore
from bot.model import Builder, BuildPlan
from tests.inspection.steps import Instruction, Machine, stages

JAR = """#!{python} -ISE
import sys, zipfile
command, archive, *rest = sys.argv[1:]
if command == "tf":
    print("\\n".join(zipfile.ZipFile(archive).namelist()))
elif command == "xf":
    zipfile.ZipFile(archive).extract(rest[0])
elif command == "cfm":
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("META-INF/MANIFEST.MF", open(rest[0]).read())
else:
    sys.exit("jar: " + command)
"""
JAVA = """#!{python} -ISE
import pathlib, sys
mode, _, archive, extract, *options = sys.argv[1:]
assert (archive, extract) == ("app.jar", "extract"), sys.argv
target = pathlib.Path(options[options.index("--destination") + 1])
if mode == "-Djarmode=tools" and "--layers" in options:
    made = ["dependencies/lib/a.jar", "company/lib/b.jar", "application/app.jar"]
elif mode == "-Djarmode=tools":
    made = ["lib/a.jar", "app.jar"]
elif mode == "-Djarmode=layertools" and "--force" not in options:
    made = ["dependencies/BOOT-INF/lib/a.jar", "spring-boot-loader/org/Loader.class", "application/META-INF/x"]
else:
    sys.exit("java: " + " ".join(sys.argv))
for each in made:
    (target / each).parent.mkdir(parents=True, exist_ok=True)
    (target / each).write_text(mode)
"""
BOOT = "Manifest-Version: 1.0\nMain-Class: org.Launcher\nStart-Class: com.acme.Shop\n"
PLAIN = "Manifest-Version: 1.0\n"


def archive(path: Path, manifest: str, *entries: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("META-INF/MANIFEST.MF", manifest)
        for entry in entries:
            made.writestr(entry, "")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, script in (("jar", JAR), ("java", JAVA), ("mvn", "#!/bin/sh\n"), ("gradle", "#!/bin/sh\n")):
        (tools / name).write_text(script.format(python=sys.executable))
        (tools / name).chmod(0o755)
    (tools / "chown").symlink_to(shutil.which("true") or "/bin/true")  # giving a directory away takes root
    context = tmp_path / "context"
    context.mkdir()
    return Machine(tmp_path / "machine", context, {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"})


def running(name: str, steps: list[Instruction]) -> list[str]:
    return [step.text for step in steps if step.name == name]


MAVEN = BuildPlan(builder=Builder.MAVEN)


def test_the_image_runs_as_nobody_in_exec_form_with_a_heap_that_follows_its_memory() -> None:
    final = stages(injected_dockerfile(MAVEN.model_copy(update={"port": 9090})))["final"]
    assert running("FROM", final) == ["eclipse-temurin:17-jre-alpine"]
    assert running("USER", final) == ["10001:10001"]
    assert running("EXPOSE", final) == ["9090"]
    (entry,) = running("ENTRYPOINT", final)
    assert json.loads(entry)[0] == "java"
    assert "-XX:MaxRAMPercentage=75.0" in json.loads(entry)
    assert not running("ENV", final)


@pytest.mark.parametrize(("asked", "image"), [(8, 8), (9, 11), (11, 11), (14, 17), (17, 17), (21, 21), (25, 25)])
def test_every_jdk_has_an_image_that_was_released(asked: int, image: int) -> None:
    text = injected_dockerfile(MAVEN.model_copy(update={"jdk": asked}))
    assert f"FROM eclipse-temurin:{image}-jdk-alpine AS jdk" in text
    assert f"FROM eclipse-temurin:{image}-jre-alpine\n" in text


def test_dependencies_are_fetched_before_the_sources_and_the_variables_of_this_deployment_are_there() -> None:
    build = stages(injected_dockerfile(MAVEN))["build"]
    order = [f"{step.name} {step.text}" for step in build]
    sources = order.index("COPY --from=source /source /source")
    assert order.index("COPY --from=skeleton /source /skeleton") < sources
    variables = [order.index(f"ARG {v}") for v in ("DEPLOYMENT_ID", "ECR_IMAGE_URI", "COMMIT_SHA", "SERVICE_ID")]
    assert sources < min(variables)
    assert max(variables) < order.index('RUN ["mvn", "-B", "-ntp", "-DskipTests", "package"]')


def test_every_argument_reaches_the_build_as_one_word_whatever_it_holds() -> None:
    hostile = "-Dx=$(reboot) `id` \"a\" 'b' <<EOF && \\"
    plan = BuildPlan(builder=Builder.GRADLE, wrapper=True, module="web", arguments=(hostile,))
    (command,) = [
        text
        for text in running("RUN", stages(injected_dockerfile(plan))["build"])
        if text.startswith("[") and "fetch" not in text
    ]
    assert json.loads(command) == list(plan.command)
    assert "<<" not in command


def test_a_tool_comes_from_its_image_when_there_is_no_wrapper() -> None:
    assert "COPY --from=maven:" in injected_dockerfile(MAVEN)
    assert "COPY --from=gradle:8-" in injected_dockerfile(BuildPlan(builder=Builder.GRADLE))
    assert "COPY --from=gradle:9-" in injected_dockerfile(BuildPlan(builder=Builder.GRADLE, jdk=25))
    assert "COPY --from=maven:" not in injected_dockerfile(MAVEN.model_copy(update={"wrapper": True}))


@pytest.mark.parametrize("path", ["a\nRUN reboot", "$HOME", "../x", "a/./b", "-x", "a:b", "x ", "*"])
def test_a_path_that_means_something_else_there_is_refused(path: str) -> None:
    for field in ("directory", "module"):
        plan = MAVEN.model_copy(update={field: path})
        with pytest.raises(UserError, match="can't be built in"):
            injected_dockerfile(plan)
        with pytest.raises(UserError, match="can't be built in"):
            injected_dockerignore(plan)


def test_a_dockerfile_of_its_own_is_not_replaced() -> None:
    with pytest.raises(UserError):
        injected_dockerfile(BuildPlan(builder=Builder.DOCKERFILE, dockerfile="Dockerfile"))


def test_the_ignore_file_leaves_out_output_and_secrets_and_no_package_called_build() -> None:
    lines = injected_dockerignore(BuildPlan(builder=Builder.GRADLE, directory="back", module="web")).splitlines()
    assert {"back/build", "back/web/build", ".git", "**/.env", "**/node_modules"} <= set(lines)
    assert not {"build", "**/build", "target"} & set(lines)


def test_a_wrapper_from_windows_is_mended(machine: Machine) -> None:
    wrapper = machine.context / "mvnw"
    wrapper.write_bytes(b"#!/bin/sh\r\nmkdir -p target\r\ncp app.jar target/\r\n")
    wrapper.chmod(0o644)
    archive(machine.context / "app.jar", BOOT)
    machine.build(injected_dockerfile(MAVEN.model_copy(update={"wrapper": True})))
    mended = machine.root / "build/source/mvnw"
    assert b"\r" not in mended.read_bytes()
    assert os.access(mended, os.X_OK)
    assert (machine.root / "build/source/target/app.jar").exists(), "it ran"


def test_the_skeleton_keeps_what_decides_the_dependencies_and_nothing_else(machine: Machine) -> None:
    for path in ("pom.xml", "web/pom.xml", ".mvn/extensions.xml", "src/main/java/A.java", "web/src/main/java/B.java"):
        (machine.context / path).parent.mkdir(parents=True, exist_ok=True)
        (machine.context / path).write_text(path)
    (machine.context / "link").symlink_to("/etc/passwd")
    archive(machine.context / "web/target/app.jar", BOOT)
    machine.build(injected_dockerfile(MAVEN.model_copy(update={"module": "web"})))
    skeleton = machine.root / "skeleton/source"
    kept = {str(path.relative_to(skeleton)) for path in skeleton.rglob("*") if path.is_file() or path.is_symlink()}
    assert kept == {
        "pom.xml",
        "web/pom.xml",
        ".mvn/extensions.xml",
        "web/target/app.jar",
        "web/src/main/java/whaleray/Skeleton.java",
    }
    assert not list((machine.root / "build/source").rglob("Skeleton.java")), "it is in no build that counts"


@pytest.mark.parametrize("output", ["target", "build/libs"])
def test_the_executable_jar_is_chosen_by_its_manifest(machine: Machine, output: str) -> None:
    builder = Builder.MAVEN if output == "target" else Builder.GRADLE
    there = machine.context / output
    archive(there / "a-1.0-plain.jar", PLAIN)
    archive(there / "b-1.0.jar", "Manifest-Version: 1.0\nMain-Class: org.Shaded\n")
    (there / "broken.jar").write_bytes(b"no archive")
    archive(there / "shop plain 1.0.jar", BOOT, "BOOT-INF/classes/Shop.class")
    final = machine.build(injected_dockerfile(BuildPlan(builder=builder)))
    with zipfile.ZipFile(final / "application/app.jar") as chosen:
        assert "BOOT-INF/classes/Shop.class" in chosen.namelist()
    assert any("Running" in line and "shop plain 1.0.jar" in line for line in machine.output)


def test_no_executable_jar_fails_and_says_so(machine: Machine) -> None:
    archive(machine.context / "target/shop.jar", PLAIN)
    with pytest.raises(subprocess.CalledProcessError):
        machine.build(injected_dockerfile(MAVEN))
    assert "no executable Spring Boot jar" in machine.output[-1]


LIB = "BOOT-INF/lib/"


@pytest.mark.parametrize(
    ("entries", "layers"),
    [
        pytest.param(
            (f"{LIB}spring-boot-jarmode-tools-3.5.6.jar", "BOOT-INF/layers.idx"),
            {"dependencies": {"lib/a.jar"}, "application": {"app.jar", "lib/b.jar"}},
            id="3.3 and later; a layer of the application's own goes with the application",
        ),
        pytest.param(
            ("WEB-INF/lib/spring-boot-jarmode-tools-3.5.6.jar", "WEB-INF/layers.idx"),
            {"dependencies": {"lib/a.jar"}, "application": {"app.jar", "lib/b.jar"}},
            id="a WAR",
        ),
        pytest.param(
            (f"{LIB}spring-boot-jarmode-tools-3.5.6.jar",),
            {"dependencies": {"lib/a.jar"}, "application": {"app.jar"}},
            id="3.3 and later without a layer index",
        ),
        pytest.param(
            (f"{LIB}spring-boot-jarmode-layertools-2.7.18.jar", "BOOT-INF/layers.idx"),
            {
                "dependencies": {"BOOT-INF/lib/a.jar"},
                "spring-boot-loader": {"org/Loader.class"},
                "application": {"app.jar", "META-INF/x"},
            },
            id="2.3 to 3.2",
        ),
        pytest.param((f"{LIB}spring-core.jar",), {"application": {"app.jar"}}, id="before 2.3"),
    ],
)
def test_layers_are_extracted_as_the_jar_allows(
    machine: Machine, entries: tuple[str, ...], layers: dict[str, set[str]]
) -> None:
    archive(machine.context / "target/shop.jar", BOOT, *entries)
    final = machine.build(injected_dockerfile(MAVEN))
    made = machine.root / "build/layers"
    for layer in ("dependencies", "spring-boot-loader", "snapshot-dependencies", "application"):
        files = {str(path.relative_to(made / layer)) for path in (made / layer).rglob("*") if path.is_file()}
        assert files == layers.get(layer, set())
    everything = set().union(*layers.values())
    assert {
        str(path.relative_to(final / "application")) for path in (final / "application").rglob("*") if path.is_file()
    } == everything


def test_before_3_3_the_launcher_jar_starts_what_was_extracted_beside_it(machine: Machine) -> None:
    archive(machine.context / "target/shop.jar", BOOT, f"{LIB}spring-boot-jarmode-layertools-2.7.18.jar", "layers.idx")
    final = machine.build(injected_dockerfile(MAVEN))
    with zipfile.ZipFile(final / "application/app.jar") as launcher:
        manifest = launcher.read("META-INF/MANIFEST.MF").decode()
    assert manifest == "Main-Class: org.Launcher\nClass-Path: ./\n"


def test_the_user_has_a_home_that_is_the_working_directory(machine: Machine) -> None:
    archive(machine.context / "target/shop.jar", BOOT)
    final = machine.build(injected_dockerfile(MAVEN))
    assert (final / "etc/passwd").read_text().startswith("app:x:10001:10001:app:")
    assert (final / "application").is_dir()


def test_dependencies_are_fetched_without_the_goal_that_makes_the_jar_executable() -> None:
    plan = MAVEN.model_copy(update={"repackage": True, "spring_boot": "3.4.0"})
    fetching = next(line for line in injected_dockerfile(plan).splitlines() if "dependency:go-offline" in line)
    assert "package" not in fetching.replace("repackage", "package")
    assert plan.command[-2:] == ("package", "org.springframework.boot:spring-boot-maven-plugin:3.4.0:repackage")
