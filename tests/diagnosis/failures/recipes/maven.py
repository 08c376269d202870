# ruff: noqa: E501  lines of other files and of shells, kept whole
"""What stops Maven, before and after the compiler."""

from __future__ import annotations

from typing import Any

from tests.diagnosis.failures.recipe import APP, JAVA, PACKAGE, RESOURCES, Recipe, pom, project

_WEB = project()
_TEST = "src/test/java/com/acme/shop/"
_MISSING = pom("web", "com.acme:money:2.4.1")
_WRAPPER = "mvn -B -ntp -q org.apache.maven.plugins:maven-wrapper-plugin:3.3.4:wrapper -Dtype={}"


def _recipe(name: str, files: dict[str, str], rule: str = "", command: str = PACKAGE, **more: Any) -> Recipe:
    return Recipe(f"maven-{name}", "build", rule or f"maven-{name}", files, command, **more)


def _repository(url: str) -> dict[str, str]:
    """A dependency of our own, from a repository at `url` that is asked first."""
    extra = f"\n  <repositories>\n    <repository>\n      <id>acme</id>\n      <url>{url}</url>\n    </repository>\n  </repositories>"
    return {**_WEB, "pom.xml": pom("web", "com.acme:money:2.4.1", extra=extra)}


def _answering(status: int) -> str:
    """A repository on port 18081 that answers every request so, while Maven runs."""
    return (
        f"python3 -c 'import http.server as s; h = s.BaseHTTPRequestHandler; h.do_GET = lambda self: self.send_error({status}); "
        's.HTTPServer(("127.0.0.1", 18081), h).serve_forever()\' >/dev/null 2>&1 & holder=$!\n'
        f"sleep 1\n{PACKAGE}\nkill $holder"
    )


def _plugin(group: str, artifact: str, version: str, inside: str = "", goal: str = "", phase: str = "validate") -> str:
    executions = (
        f"\n        <executions>\n          <execution>\n            <phase>{phase}</phase>\n            <goals>\n"
        f"              <goal>{goal}</goal>\n            </goals>\n          </execution>\n        </executions>"
        if goal
        else ""
    )
    return (
        f"\n      <plugin>\n        <groupId>{group}</groupId>\n        <artifactId>{artifact}</artifactId>\n"
        f"        <version>{version}</version>{executions}{inside}\n      </plugin>"
    )


def _with_plugin(*of: str, **more: str) -> dict[str, str]:
    return {**_WEB, "pom.xml": pom(plugins=_plugin(*of, **more))}


_PRICE_TEST = """\
package com.acme.shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PriceTest {
    @Test
    void showsWon() {
        %s
    }

    @Test
    void showsNothing() {
    }
}
"""


def _tested(statement: str) -> dict[str, str]:
    return {**_WEB, "pom.xml": pom("web", "test"), f"{_TEST}PriceTest.java": _PRICE_TEST % statement}


RECIPES = (
    _recipe("artifact-not-found", {**_WEB, "pom.xml": _MISSING}),
    _recipe("artifact-not-found-again", {**_WEB, "pom.xml": _MISSING}, rule="maven-artifact-not-found", before=PACKAGE),
    _recipe(
        "repository-401",
        _repository("http://127.0.0.1:18081/maven"),
        rule="maven-repository-denies",
        command=_answering(401),
    ),
    _recipe(
        "repository-403",
        _repository("http://127.0.0.1:18081/maven"),
        rule="maven-repository-denies",
        command=_answering(403),
    ),
    _recipe(
        "repository-500",
        _repository("http://127.0.0.1:18081/maven"),
        rule="maven-repository-fails",
        command=_answering(503),
    ),
    _recipe("repository-unknown-host", _repository("https://repo.acme.invalid/maven")),
    _recipe("repository-refused", _repository("http://127.0.0.1:18082/maven")),
    _recipe("repository-blocked", _repository("http://repo.acme.example/maven")),
    _recipe(
        "repository-certificate",
        _repository("https://localhost:18443/maven"),
        before="openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost -days 2",
        command="openssl s_server -accept 127.0.0.1:18443 -key key.pem -cert cert.pem -WWW >/dev/null 2>&1 & holder=$!\n"
        f"sleep 1\n{PACKAGE}\nkill $holder",
    ),
    _recipe("parent-not-found", {**_WEB, "pom.xml": pom(boot="3.5.999")}),
    _recipe("pom-not-parseable", {**_WEB, "pom.xml": pom().replace("    </dependency>\n", "", 1)}),
    _recipe(
        "pom-unknown-tag",
        {**_WEB, "pom.xml": pom().replace("dependencies>", "dependancies>")},
        rule="maven-pom-not-parseable",
    ),
    _recipe("version-missing", {**_WEB, "pom.xml": pom("web", "org.apache.commons:commons-collections4")}),
    _recipe(
        "module-missing",
        {
            **_WEB,
            "pom.xml": pom(extra="\n  <packaging>pom</packaging>\n  <modules>\n    <module>web</module>\n  </modules>"),
        },
    ),
    _recipe("no-such-project", dict(_WEB), command="mvn -B -ntp -DskipTests -pl web -am package"),
    _recipe("no-pom", {"README.md": "Shop\n"}),
    _recipe("unknown-phase", dict(_WEB), command="mvn -B -ntp -DskipTests packge"),
    _recipe("no-plugin-prefix", dict(_WEB), command="mvn -B -ntp -DskipTests spring-bot:repackage"),
    _recipe("no-such-goal", dict(_WEB), command="mvn -B -ntp -DskipTests spring-boot:repack"),
    _recipe("plugin-not-found", _with_plugin("com.acme", "money-maven-plugin", "2.4.1", goal="run")),
    _recipe(
        "no-compiler",
        dict(_WEB),
        before='"$JDK25/bin/jlink" --output jre --add-modules java.se,jdk.unsupported,jdk.crypto.ec,jdk.zipfs',
        command=f'export JAVA_HOME="$PWD/jre" PATH="$PWD/jre/bin:$PATH"\n{PACKAGE}',
    ),
    _recipe(
        "enforcer",
        _with_plugin(
            "org.apache.maven.plugins",
            "maven-enforcer-plugin",
            "3.5.0",
            "\n        <configuration>\n          <rules>\n            <requireJavaVersion>\n              <version>[21,)</version>\n"
            "            </requireJavaVersion>\n          </rules>\n        </configuration>",
            goal="enforce",
        ),
    ),
    _recipe("tests-failed", _tested('assertEquals("1,000 won", "1000");'), command="mvn -B -ntp package"),
    _recipe(
        "tests-error",
        _tested('throw new IllegalStateException("no price");'),
        rule="maven-tests-failed",
        command="mvn -B -ntp package",
    ),
    _recipe("fork-crashed", _tested("Runtime.getRuntime().halt(3);"), command="mvn -B -ntp package"),
    _recipe(
        "checkstyle",
        {
            **_with_plugin(
                "org.apache.maven.plugins",
                "maven-checkstyle-plugin",
                "3.6.0",
                "\n        <configuration>\n          <configLocation>checkstyle.xml</configLocation>\n"
                "          <violationSeverity>error</violationSeverity>\n        </configuration>",
                goal="check",
            ),
            "checkstyle.xml": '<?xml version="1.0"?>\n<!DOCTYPE module PUBLIC "-//Checkstyle//DTD Checkstyle Configuration 1.3//EN" '
            '"https://checkstyle.org/dtds/configuration_1_3.dtd">\n<module name="Checker">\n  <module name="TreeWalker">\n'
            '    <module name="AvoidStarImport"/>\n  </module>\n</module>\n',
            f"{JAVA}Price.java": "package com.acme.shop;\n\nimport java.util.*;\n\nclass Price {\n    List<String> shown;\n}\n",
        },
    ),
    _recipe(
        "spotless",
        {
            **_with_plugin(
                "com.diffplug.spotless",
                "spotless-maven-plugin",
                "2.44.5",
                "\n        <configuration>\n          <java>\n            <trimTrailingWhitespace/>\n          </java>\n        </configuration>",
                goal="check",
            ),
            f"{JAVA}Price.java": "package com.acme.shop;   \n\nclass Price {\n}\n",
        },
    ),
    _recipe("no-main-class", {"pom.xml": pom(), f"{JAVA}Price.java": "package com.acme.shop;\n\nclass Price {\n}\n"}),
    _recipe("two-main-classes", {**_WEB, f"{JAVA}Import.java": APP.replace("ShopApplication", "Import")}),
    _recipe(
        "git-directory-missing",
        _with_plugin(
            "io.github.git-commit-id", "git-commit-id-maven-plugin", "9.0.2", goal="revision", phase="initialize"
        ),
    ),
    _recipe(
        "resource-encoding",
        {**_WEB, f"{RESOURCES}application.properties": "shop.name=caf\u00e9\n"},
        before="iconv -f utf-8 -t latin1 src/main/resources/application.properties -o p && mv p src/main/resources/application.properties",
    ),
    _recipe("out-of-memory", dict(_WEB), rule="out-of-memory", env={"MAVEN_OPTS": "-Xmx14m"}),
    _recipe(
        "disk-full",
        dict(_WEB),
        command=f'mkdir target; bwrap --dev-bind / / --size 200000 --tmpfs "$PWD/target" {PACKAGE}',
        rule="disk-full",
    ),
    _recipe(
        "wrapper-not-found",
        {"Dockerfile": "FROM eclipse-temurin:17-jdk\n", **_WEB},
        command="sh -c './mvnw -B -ntp -DskipTests package'",
        rule="wrapper-not-found",
    ),
    _recipe(
        "wrapper-properties-missing",
        dict(_WEB),
        rule="wrapper-properties-missing",
        before=_WRAPPER.format("only-script") + "; rm -r .mvn",
        command="./mvnw -B -ntp -DskipTests package",
    ),
    _recipe(
        "wrapper-jar-missing",
        dict(_WEB),
        rule="wrapper-jar-missing",
        before=_WRAPPER.format("bin") + "; rm .mvn/wrapper/maven-wrapper.jar; echo MVNW_REPOURL=; "
        "sed -i 's|^wrapperUrl=.*|wrapperUrl=https://repo.acme.invalid/maven-wrapper.jar|' .mvn/wrapper/maven-wrapper.properties",
        command="./mvnw -B -ntp -DskipTests package",
    ),
    _recipe(
        "wrapper-download",
        dict(_WEB),
        rule="wrapper-download",
        before=_WRAPPER.format("only-script")
        + "; sed -i 's|^distributionUrl=.*|distributionUrl=https://repo.acme.invalid/apache-maven-3.9.9-bin.zip|' .mvn/wrapper/maven-wrapper.properties",
        command="./mvnw -B -ntp -DskipTests package",
    ),
    _recipe(
        "wrapper-not-executable",
        dict(_WEB),
        before=_WRAPPER.format("only-script") + "; chmod -x mvnw",
        command="./mvnw -B -ntp -DskipTests package",
        rule="wrapper-not-executable",
    ),
    _recipe(
        "wrapper-crlf",
        dict(_WEB),
        before=_WRAPPER.format("only-script") + "; sed -i 's/$/\\r/' mvnw",
        command="./mvnw -B -ntp -DskipTests package",
        rule="wrapper-crlf",
    ),
    _recipe(
        "wrapper-crlf-sh",
        dict(_WEB),
        before=_WRAPPER.format("only-script") + "; sed -i 's/$/\\r/' mvnw",
        command="sh mvnw -B -ntp -DskipTests package",
        rule="wrapper-crlf",
    ),
    Recipe("maven-success", "build", "", dict(_WEB)),
    Recipe(
        "maven-success-with-words",
        "build",
        "",
        {
            **_tested('System.out.println("ERROR: cannot find symbol; Connection refused; BUILD FAILURE");'),
        },
        "mvn -B -ntp package",
    ),
    Recipe(
        "maven-antrun-fails",
        "build",
        "",
        _with_plugin(
            "org.apache.maven.plugins",
            "maven-antrun-plugin",
            "3.1.0",
            '\n        <configuration>\n          <target>\n            <fail message="The licence of acme-reports has run out"/>\n'
            "          </target>\n        </configuration>",
            goal="run",
        ),
    ),
)
