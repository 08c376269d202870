"""What people do with checks, and what other Apps' checks say."""

from __future__ import annotations

from infra.sandbox.api.checks import suite_for
from infra.sandbox.people import People
from infra.sandbox.records import Account, App, CheckRun, Repository, iso


class Checkers(People):
    """See `People`."""

    def _check_run(self, repository: Repository, check_run_id: int) -> CheckRun:
        found = repository.check_runs.get(check_run_id)
        if found is None:
            raise LookupError(f"{repository.full_name} has no check run {check_run_id}.")
        return found

    def press(self, full_name: str, check_run_id: int, identifier: str, *, by: str | None = None) -> None:
        """A button of a completed check. Raises LookupError when it shows no such button. GitHub doesn't document who
        sees the buttons: here whoever may read presses them, and the App has to ask."""
        with self.world.lock:
            repository = self._writable(full_name)
            run = self._check_run(repository, check_run_id)
            if run.status != "completed" or identifier not in [each["identifier"] for each in run.actions]:
                raise LookupError(f"The check run {check_run_id} shows no button {identifier!r}.")
            person = self._person(repository, by, "read")
            requested = {"identifier": identifier}
            self._events.check_run("requested_action", repository, run, person, requested_action=requested)

    def rerun_check(self, full_name: str, check_run_id: int, *, by: str | None = None) -> None:
        with self.world.lock:
            repository = self._writable(full_name)
            run = self._check_run(repository, check_run_id)
            if run.status != "completed":
                raise PermissionError("GitHub re-runs a check only when it has completed.")
            self._events.check_run("rerequested", repository, run, self._person(repository, by, "read"))

    def rerun_suite(self, full_name: str, sha: str, *, by: str | None = None) -> None:
        """Re-run all checks of the commit."""
        with self.world.lock:
            repository = self._writable(full_name)
            suites = [each for each in repository.suites.values() if each.head_sha == sha]
            if not suites:
                raise LookupError(f"{sha} has no check suite.")
            person = self._person(repository, by, "write")
            for suite in suites:
                self._events.check_suite("rerequested", repository, suite, person)

    def report_check(
        self, full_name: str, sha: str, *, name: str = "ci", conclusion: str | None = None, app: str = "Other CI"
    ) -> int:
        """Another App's check on that commit; `conclusion` None: in progress. One of the same name goes on, else it is
        a new one. Returns its id."""
        with self.world.lock:
            repository = self._writable(full_name)
            if repository.git.resolve(sha) != sha:
                raise LookupError(f"{full_name} has no commit {sha}.")
            suite = suite_for(self.world, repository, self._other(app), sha, None)
            run = next((each for each in suite.runs if each.name == name), None)
            begins = run is None
            if run is None:
                run = CheckRun(self.world.new_id("check run"), suite, name, sha, started_at=iso(self.world.now()))
                suite.runs.append(run)
                repository.check_runs[run.id] = run
            run.status = "in_progress" if conclusion is None else "completed"
            run.conclusion, run.completed_at = conclusion, None if conclusion is None else iso(self.world.now())
            if begins:
                self._events.check_run("created", repository, run, suite.app.bot)
            if conclusion is not None:
                self._events.check_run("completed", repository, run, suite.app.bot)
                if suite.status == "completed":
                    self._events.check_suite("completed", repository, suite, suite.app.bot)
            return run.id

    def _other(self, name: str) -> App:
        """An App that nobody drives but the tests: it listens to nothing and can't sign in."""
        if name not in self.world.others:
            number = self.world.new_id("app")
            slug = name.lower().replace(" ", "-")
            bot = Account(self.world.new_id("account"), f"{slug}[bot]", "Bot", self.world.now())
            self.world.others[name] = App(
                id=number,
                slug=slug,
                name=name,
                owner=bot,
                bot=bot,
                private_key_pem="",
                public_key_pem="",
                webhook_url="",
                webhook_secret="",
                client_id="",
                client_secret="",
                permissions={"checks": "write", "metadata": "read"},
                events=(),
                created_at=self.world.now(),
            )
            self.world.accounts[bot.login] = bot
        return self.world.others[name]
