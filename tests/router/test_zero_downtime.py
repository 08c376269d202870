"""Versions swapped, services listed and supervisors replaced under load: no request fails."""

from __future__ import annotations

import asyncio
import signal

from router.processes import Lock
from router.supervisor import running
from tests.router.load import Load, load
from tests.router.rig import Backend, Request, Rig, answer, eventually, new_address

SWAPS = 5


async def app(request: Request) -> bytes:
    if request.target == "/slow":
        await asyncio.sleep(1)  # still under way when its instance leaves the registry
    return answer()


async def started(rig: Rig) -> Backend:
    backend = Backend(new_address(), rig.service_port, app)
    await backend.start()
    return backend


async def swap(rig: Rig, service_id: str, old: Backend) -> Backend:
    """As `bot.rollout` does it."""
    new = await started(rig)
    await rig.registry.register(service_id, [new.address], rig.service_port)

    async def confirmed() -> bool:
        return await rig.registry.confirm(service_id, new.address, "/")

    await eventually(confirmed)
    await rig.registry.deregister(service_id, [old.address])
    await asyncio.sleep(await rig.registry.drain_seconds())
    await old.kill()
    return new


async def swapped(rig: Rig, service_id: str, first: Backend, times: int) -> Backend:
    for _ in range(times):
        first = await swap(rig, service_id, first)
    return first


def no_failure(counted: Load, at_least: int) -> None:
    assert not counted.failed, f"{len(counted.failed)} of {counted.sent} failed: {counted.failed[:5]}"
    assert counted.sent >= at_least


async def test_twenty_swaps_under_load_fail_no_request(rig: Rig) -> None:
    names = [f"github_6-swapped-{number}" for number in range(4)]
    backends = [await started(rig) for _ in names]
    for name, backend in zip(names, backends, strict=True):
        await rig.registry.register(name, [backend.address], rig.service_port)
    rig.start()
    await rig.list(*names[:2])  # the others are reached without an upstream of their own
    async with load(rig, *names) as counted:
        last = await asyncio.gather(
            *(swapped(rig, name, backend, SWAPS) for name, backend in zip(names, backends, strict=True))
        )
    no_failure(counted, 3000)
    for backend in last:
        assert backend.requests, "the last version served"
        await backend.kill()


async def test_listing_services_under_load_fails_no_request(rig: Rig) -> None:
    rig.start()
    listed, other = "github_6-listed", "github_6-listed-later"
    async with rig.serving(listed), rig.serving(other):
        await rig.list(listed)
        (rig.home / "slow").touch()  # so that an upstream that nginx hasn't resolved yet would be met
        async with load(rig, listed, other) as counted:
            await rig.list(listed, other)
            for number in range(3):
                await rig.list(listed, other, *(f"github_6-more-{n}" for n in range(number + 1)))
            await rig.list(listed)
        no_failure(counted, 300)


async def test_a_supervisor_that_is_killed_and_replaced_under_load_fails_no_request(rig: Rig) -> None:
    rig.start()
    name = "github_6-supervised"
    async with rig.serving(name):
        await rig.list(name)
        async with load(rig, name) as counted:
            for _ in range(2):
                holder = Lock(rig.state_dir / "router.lock").holder()
                assert holder is not None
                holder.send(signal.SIGKILL)

                async def ended() -> bool:
                    return not running(rig.state_dir)

                await eventually(ended)
                sent = counted.sent

                async def served_by_nginx_alone(before: int = sent) -> bool:
                    return counted.sent > before + 150

                await eventually(served_by_nginx_alone)
                await asyncio.to_thread(rig.start)
        no_failure(counted, 300)
