"""The readers of single files, case by case."""

from __future__ import annotations

import pytest

from bot.inspection import catalog, gradle, jdk, own_dockerfile, pom, properties
from bot.inspection.files import normalised, show, show_all, usable
from bot.inspection.plainyaml import documents, plain
from bot.model import Builder, BuildPlan


@pytest.mark.parametrize(
    ("written", "major"),
    [
        ("17", 17),
        ("17.0.9-tem", 17),
        ("1.8", 8),
        ("1.8.0_392", 8),
        ("VERSION_1_8", 8),
        ("JavaVersion.VERSION_21", 21),
        ("JvmTarget.JVM_11", 11),
        ("temurin-21.0.1+12", 21),
        ("[21,22)", 21),
        ("openjdk64-11.0.2", 11),
        ("21.ea.35-open", 21),
        ("", None),
        ("latest", None),
        ("${java.version}", None),
        ("0", None),
        ("20240101", None),
    ],
)
def test_a_java_version_as_people_write_it(written: str, major: int | None) -> None:
    assert jdk.major(written) == major


@pytest.mark.parametrize(
    ("name", "text", "major"),
    [
        (".java-version", "21\n", 21),
        (".java-version", "\n21\n", 21),
        (".sdkmanrc", "# java=8\njava=21.0.2-tem\n", 21),
        (".sdkmanrc", "maven=3.9.9\n", None),
        ("system.properties", "java.runtime.version = 11\nmaven.version=3.9.9\n", 11),
        (".tool-versions", "nodejs 22\njava temurin-17.0.9+9\n", 17),
        (".tool-versions", "javascript 22\n", None),
    ],
)
def test_a_file_that_names_a_jdk(name: str, text: str, major: int | None) -> None:
    assert jdk.from_file(text, name) == major


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("java { toolchain { languageVersion = JavaLanguageVersion.of(21) } }", 21),
        ('java.toolchain.languageVersion.set(JavaLanguageVersion.of("21"))', 21),
        ("val jv = 21\njava { toolchain { languageVersion = JavaLanguageVersion.of(jv) } }", 21),
        ("val jv by extra(21)\nkotlin { jvmToolchain(jv) }", 21),
        ("ext { set('jv', '21') }\nsourceCompatibility = jv", 21),
        ("ext.jv = 21\nsourceCompatibility = project.jv", 21),
        ('languageVersion = JavaLanguageVersion.of(providers.gradleProperty("jv").get())\next.jv = 21', 21),
        ("kotlin { jvmToolchain(21) }", 21),
        ("sourceCompatibility = '17'", 17),
        ("sourceCompatibility '17'", 17),
        ("sourceCompatibility = JavaVersion.VERSION_1_8", 8),
        ("java.sourceCompatibility = JavaVersion.VERSION_17", 17),
        ("tasks.withType(JavaCompile) { options.release = 11 }", 11),
        ("compilerOptions { jvmTarget.set(JvmTarget.JVM_17) }", 17),
        ("sourceCompatibility = 8\njava { toolchain { languageVersion = JavaLanguageVersion.of(21) } }", 21),
        ("// jvmToolchain(21)\n/* sourceCompatibility = 11 */", None),
        ('def url = "http://x/*"\nsourceCompatibility = 17\ndef end = "*/"', 17),
        ("def apostrophe = it's\nsourceCompatibility = 17", 17),
    ],
)
def test_the_jdk_of_a_gradle_script(script: str, version: int | None) -> None:
    assert jdk.major(gradle.Build((gradle.parse(script),)).jdk[0]) == version


BOOT = "org.springframework.boot"


@pytest.mark.parametrize(
    ("script", "applied", "version"),
    [
        (f"plugins {{ id '{BOOT}' version '3.5.6' }}", True, "3.5.6"),
        (f'plugins {{ id("{BOOT}") version "3.5.6" }}', True, "3.5.6"),
        (f'plugins {{\n  id("{BOOT}").version("3.5.6")\n}}', True, "3.5.6"),
        (f"plugins {{ id '{BOOT}' version '3.5.6' apply false }}", False, "3.5.6"),
        (f'plugins {{ id("{BOOT}") version "3.5.6" apply(false) }}', False, "3.5.6"),
        (f"plugins {{ id '{BOOT}' version '3.5.6' apply false }}\napply plugin: '{BOOT}'", True, "3.5.6"),
        (f"ext.sb = '3.4.1'\nplugins {{ id '{BOOT}' version \"${{sb}}\" }}", True, "3.4.1"),
        (f"plugins {{ id '{BOOT}' }}", True, ""),
        (f"// id '{BOOT}' version '3.5.6'", False, ""),
        ("plugins { alias(libs.plugins.spring.boot) }", True, ""),
        ("plugins { alias(libs.plugins.spring.boot) apply false }", False, ""),
        (f'dependencies {{ implementation platform("{BOOT}:spring-boot-dependencies:3.3.3") }}', False, "3.3.3"),
    ],
)
def test_spring_boot_in_a_gradle_script(script: str, applied: bool, version: str) -> None:
    build = gradle.Build((gradle.parse(script),))
    assert (BOOT in build.plugins, build.boot_version) == (applied, version)


def test_what_the_root_applies_to_itself_is_not_applied_to_its_modules() -> None:
    own = (gradle.parse("dependencies { }"),)
    root = gradle.parse(f"plugins {{ id '{BOOT}' version '3.5.6' }}\nsubprojects {{ apply plugin: 'java' }}")
    assert gradle.Build(own, root).plugins == {"java"}
    catalogued = gradle.parse("subprojects { apply(plugin = rootProject.libs.plugins.boot.get().pluginId) }")
    assert BOOT in gradle.Build(own, catalogued).plugins


def test_a_version_catalog_in_all_its_spellings() -> None:
    read = catalog.parse(
        """
        [versions]
        boot = { strictly = "3.4.1" }
        java-version = "21"
        [libraries]
        a = "org.x:short:1.0"
        b-c = { module = "org.x:module", version.ref = "boot" }
        d_e = { group = "org.x", name = "split", version = "2" }
        odd = 7
        [plugins]
        one = "org.x.one:1.1"
        two = { id = "org.x.two", version.ref = "boot" }
        three = { id = "org.x.three", version = { require = "3" } }
        """
    )
    assert read.versions == {"boot": "3.4.1", "java.version": "21"}
    assert read.libraries["a"] == ("org.x:short", "1.0")
    assert read.libraries["b.c"] == ("org.x:module", "3.4.1")
    assert read.libraries["d.e"] == ("org.x:split", "2")
    assert read.plugins == {"one": ("org.x.one", "1.1"), "two": ("org.x.two", "3.4.1"), "three": ("org.x.three", "3")}
    assert catalog.parse("not [ toml") == catalog.NOTHING
    assert catalog.parse("versions = 1\nplugins = []\n") == catalog.NOTHING


def test_a_pom_inherits_and_its_own_word_wins() -> None:
    own = pom.parse(
        b"<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent>"
        b"<properties><java.version>21</java.version></properties></project>",
        "a/pom.xml",
    )
    above = pom.parse(
        b"<project xmlns='http://maven.apache.org/POM/4.0.0'><properties><java.version>17</java.version>"
        b"<v>${w}</v><w>3.2.1</w><loop>${loop}</loop></properties><dependencyManagement><dependencies><dependency>"
        b"<groupId>org.springframework.boot</groupId><artifactId>spring-boot-dependencies</artifactId>"
        b"<version>${v}</version></dependency></dependencies></dependencyManagement></project>",
        "pom.xml",
    )
    project = pom.Project((own, above))
    assert project.jdk == ("21", "`java.version`")
    assert project.boot_version == "3.2.1"
    assert project.value("${loop}-${absent}") == "${loop}-${absent}"
    assert not project.has_plugin


def test_a_managed_plugin_does_not_run_and_one_in_a_profile_may() -> None:
    plugin = (
        b"<plugins><plugin><groupId>org.springframework.boot</groupId>"
        b"<artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins>"
    )
    managed = b"<project><build><pluginManagement>" + plugin + b"</pluginManagement></build></project>"
    profile = b"<project><profiles><profile><build>" + plugin + b"</build></profile></profiles></project>"
    assert not pom.Project((pom.parse(managed, "pom.xml"),)).has_plugin
    assert pom.Project((pom.parse(profile, "pom.xml"),)).has_plugin


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("a.b=c", "a.b", "c"),
        ("  a.b : c ", "a.b", "c "),
        ("a.b c", "a.b", "c"),
        ("a.b", "a.b", ""),
        ("a\\ b=c", "a b", "c"),
        ("a\\:b=c", "a:b", "c"),
        ("a=b\\\n   c", "a", "bc"),
        ("a=b\\\\\nc=d", "a", "b\\"),
        ("a=\\u0041\\t", "a", "A\t"),
        ("#x\\\na=b", "a", "b"),
        ("a=1\r\na=2\r\n", "a", "2"),
        ("a=b\\", "a", "b"),
    ],
)
def test_a_properties_file_by_javas_rules(text: str, key: str, value: str) -> None:
    assert properties.pairs(text)[key] == value


def test_keys_are_one_key_in_all_their_spellings() -> None:
    for spelling in ("server.servlet.context-path", "server.servlet.contextPath", "SERVER.SERVLET.CONTEXT_PATH"):
        assert properties.value({properties.canonical(spelling): "/x"}, "server.servlet.context-path") == "/x"


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("${PORT:8081}", "8081"),
        ("${a:${b:3}}", "3"),
        ("${known}", "7"),
        ("${absent}", ""),
        ("x${known}y${known}", "x7y7"),
        ("${url:http://h:1/}", "http://h:1/"),
        ("${open", "${open"),
        ("${self}", ""),
    ],
)
def test_placeholders(text: str, resolved: str) -> None:
    settings = {"known": "7", "self": "${self}"}
    assert properties.resolve(text, settings).replace("${self}", "") == resolved


@pytest.mark.parametrize(
    "text",
    [
        "server.port=1\n#---\nspring.config.activate.on-profile=x\nserver.port=2\n",
        "spring.config.activate.on-cloud-platform=x\nserver.port=2\n#---\nserver.port=1\n",
        "server.port=0\n#---\nserver.port=1\n",
    ],
)
def test_documents_of_a_profile_are_left_out_and_later_ones_win(text: str) -> None:
    assert properties.parse(text, "application.properties")["server.port"] == "1"
    yml = text.replace("#---", "---").replace("=", ": ")
    assert properties.parse(yml, "application.yml")["server.port"] == "1"


def test_yaml_keeps_what_was_written() -> None:
    (document,) = documents("a: 1.10\nb: no\nc: 2024-13-45\nd: 0x1f\ne:\nf: ~\ng: ''\nh: [1, {i: 2}]\n")
    assert plain(document) == {
        "a": "1.10",
        "b": "no",
        "c": "2024-13-45",
        "d": "0x1f",
        "g": "",
        "h": ["1", {"i": "2"}],
    }


@pytest.mark.parametrize(
    ("text", "ports", "prebuilt"),
    [
        ("FROM a\nEXPOSE 80", (80,), False),
        ("FROM a\nEXPOSE 80\nFROM b\nEXPOSE 81/tcp 82/udp 81 83", (81, 83), False),
        ("FROM a\nARG P=9000\nEXPOSE $P ${Q:-9001} ${R}", (9000, 9001), False),
        ("FROM a\nENV P 9000\nEXPOSE 1-5 0 70000 99999999999 x", (), False),
        ("FROM a\n# EXPOSE 1\nRUN x \\\n # y\n && z\nEXPOSE \\\n 7", (7,), False),
        ("FROM a\nCOPY target/*.jar app.jar", (), True),
        ("FROM a\nARG JAR_FILE=build/libs/shop.jar\nADD ${JAR_FILE} /", (), True),
        ('FROM a\nCOPY ["./target/x.war", "/"]', (), True),
        ("FROM a AS b\nRUN ./mvnw package\nFROM c\nCOPY --from=b target/x.jar .", (), False),
        ("FROM a\nCOPY . .\nRUN gradle build\nCOPY target/x.jar .", (), False),
        ("FROM a\nCOPY mytarget/x.jar .", (), False),
        ("", (), False),
    ],
)
def test_a_dockerfile_of_the_repositorys_own(text: str, ports: tuple[int, ...], prebuilt: bool) -> None:
    read = own_dockerfile.parse(text)
    assert (read.ports, read.wants_prebuilt) == (ports, prebuilt)


def test_a_path_is_shown_so_that_it_can_do_nothing() -> None:
    assert show("a`b\n\u202e\u200bc") == "`a'b\ufffd\ufffd\ufffdc`"
    assert len(show("x" * 5000)) < 110
    assert show_all([f"d{n:02}" for n in range(12)]).endswith("`d09` and 2 more")


@pytest.mark.parametrize("path", ["", "a", "a/b", "services/web-1.0_x", "my app", ".hidden", "größe", "a@b", "a+b"])
def test_usual_directories_can_be_used(path: str) -> None:
    assert usable(path)


@pytest.mark.parametrize(
    "path", ["..", "a/../b", "a//b", "/a", "a/", "-a", "+a", "a/-b", "a,b", "!a", "a:b", "a ", " a", "."]
)
def test_what_a_tool_takes_for_something_else_can_not(path: str) -> None:
    assert not usable(path)


@pytest.mark.parametrize(
    ("path", "found"),
    [("../pom.xml", "a/pom.xml"), ("../../x", "x"), ("./c//d", "a/b/c/d"), ("..\\p", "a/p"), ("../../../x", None)],
)
def test_a_path_relative_to_a_directory(path: str, found: str | None) -> None:
    assert normalised("a/b", path) == found


@pytest.mark.parametrize(
    ("plan", "command"),
    [
        (BuildPlan(builder=Builder.MAVEN), "mvn -B -ntp -DskipTests package"),
        (BuildPlan(builder=Builder.MAVEN, wrapper=True, spring_boot="2.1.9"), "./mvnw -B -DskipTests package"),
        (BuildPlan(builder=Builder.MAVEN, spring_boot="2.1.9"), "mvn -B -ntp -DskipTests package"),
        (
            BuildPlan(builder=Builder.MAVEN, wrapper=True, module="a/b", arguments=("-Px",)),
            "./mvnw -B -ntp -DskipTests -pl a/b -am -Px package",
        ),
        (BuildPlan(builder=Builder.GRADLE), "gradle --console=plain --no-daemon bootJar"),
        (
            BuildPlan(builder=Builder.GRADLE, wrapper=True, module="a/b", task="bootWar", arguments=("-Px",)),
            "./gradlew --console=plain --no-daemon -p a/b -Px bootWar",
        ),
        (BuildPlan(builder=Builder.DOCKERFILE), ""),
    ],
)
def test_the_command_that_builds_a_plan(plan: BuildPlan, command: str) -> None:
    assert " ".join(plan.command) == command
