"""Start everything, tell the story, stay up for the newcomer, and leave nothing behind."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from bot.errors import WhaleRayError
from infra.demo.machine import Machine
from infra.demo.story import AUTHOR, FULL_NAME, Story, StoryBroken

KEPT = frozenset({"cache", "jdk"})
"""What one demonstration leaves for the next: downloads."""
PORTS = (3000, 8000, 8053, 3001)
"""Bot, router, DNS and sandbox, where they are free."""


def run(home: Path, *, once: bool, extra: Mapping[str, str], end_services: Callable[[Mapping[str, str]], None]) -> bool:
    """Whether the whole story happened."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what it started, as Ctrl-C does
    console = Console(highlight=False)
    console.print("[bold]WhaleRay on this machine[/], with a sandbox that stands in for GitHub")
    _clear(home)
    with Machine(home, end_services=end_services, extra=extra, preferred=PORTS) as machine:
        console.print(f"  [green]✓[/] sandbox GitHub at {machine.sandbox.url}")
        console.print(f"  [green]✓[/] bot at {machine.bot_url} [dim](its log: {machine.log})[/]", soft_wrap=True)
        console.print(f"  [green]✓[/] router at {machine.router_url}")
        story = Story(machine, console, home / "cache")
        if not _told(story, console, machine):
            return False
        if not once:
            _stay(console, machine, story)
        return True


def _told(story: Story, console: Console, machine: Machine) -> bool:
    began = time.monotonic()
    try:
        story.tell()
    except StoryBroken as broken:
        console.print(f"\n[red]{broken.what}[/]", soft_wrap=True)
        console.print(broken.why, soft_wrap=True, markup=False)
    except WhaleRayError as error:
        console.print(f"\n[red]{error}[/]", soft_wrap=True)
    else:
        if not machine.sandbox.violations:
            console.print(f"\n[bold green]All of it happened[/], in {time.monotonic() - began:.0f} s.")
            return True
        console.print(f"\n[red]GitHub would have refused {len(machine.sandbox.violations)} requests:[/]")
        for violation in machine.sandbox.violations[:10]:
            console.print(f"  {violation}", soft_wrap=True, markup=False)
    console.print(f"The bot's log is {machine.log}.", soft_wrap=True)
    return False


def _stay(console: Console, machine: Machine, story: Story) -> None:
    web = machine.sandbox.url
    console.print(
        f"""
Look at it as GitHub would show it:
  pull request   {web}/{FULL_NAME}/pull/{story.pull}
  checks         {web}/{FULL_NAME}
  the service    {story.url}
Your turn: comment on the pull request there, or push:
  git clone {web.replace("://", f"://{AUTHOR}@")}/{FULL_NAME}.git
Ctrl-C ends it all.""",
        soft_wrap=True,
        markup=False,
    )
    try:
        signal.pause()
    except KeyboardInterrupt:  # or SIGTERM: see `run`
        console.print("\nEnding the bot, the router and the applications.")


def _clear(home: Path) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for entry in home.iterdir():
        if entry.name in KEPT:
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()
