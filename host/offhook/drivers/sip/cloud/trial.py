"""``trunk test``: one step after the other, with how long it took and what to look at when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from offhook.calls.endpoints import Registry
from offhook.drivers.sip.transport.routing import sip_uri
from offhook.sip.locate import Query, Target, locate

if TYPE_CHECKING:
    from offhook.drivers.sip.cloud.trunk import Trunk


class Trial:
    """One test of a trunk."""

    def __init__(self, trunk: Trunk) -> None:
        self.trunk = trunk
        self.stack = trunk.stack

    async def run(self) -> AsyncIterator[str]:
        """What each step came to; ends with the first that fails."""
        protocol = self.trunk.settings.values["transport"]
        uri = sip_uri(f"sip:{self.trunk.settings.host}")
        assert uri is not None
        if protocol == "tls":
            uri = uri.replace(scheme="sips")
        began = self.stack.now()
        targets: list[Target] = []
        steps = locate(uri, transports=(protocol,), families=("A",))
        try:
            step = next(steps)
            while True:
                if isinstance(step, Query):
                    step = steps.send(await self.stack.resolver.ask(step))
                else:
                    targets.append(step)
                    step = next(steps)
        except StopIteration:
            pass
        if not targets:
            yield f"Failed:       no address of {self.trunk.settings.host}: check host in trunk.conf, and name servers"
            return
        listed = ", ".join(f"{target.address}:{target.port}" for target in targets)
        yield f"Name:         {listed} ({self._ms(began)})"
        section = self.stack.transports.sections.get(f"{self.trunk.name}-transport")
        if section is None:
            yield "Failed:       its transport is not in use; the log of the start says why"
            return
        for target in targets:
            began = self.stack.now()
            flow = await self.stack.routing.flow_to(target, section)
            if flow is not None:
                yield f"Connection:   {flow} ({self._ms(began)})"
                break
            yield f"              {target.address}:{target.port} does not answer ({self._ms(began)})"
        else:
            yield "Failed:       no server takes a connection: check firewall and network; the log has each reason"
            return
        async for line in self._register():
            yield line

    async def _register(self) -> AsyncIterator[str]:
        client = self.trunk.client
        if client is None:
            return
        heard: asyncio.Future[str] = self.stack.loop.create_future()

        def listen(event: Registry) -> None:
            if event.username == client.section.client_uri and not heard.done():
                heard.set_result(event.status)

        drop = self.stack.pbx.bus.subscribe(Registry, listen)
        began = self.stack.now()
        try:
            client.register_now()
            status = await heard
        finally:
            drop()
        if status == "Registered":
            yield f"Registration: accepted ({self._ms(began)})"
        else:
            yield f"Failed:       registration {status.lower()} ({self._ms(began)}): check username and password"

    def _ms(self, began: float) -> str:
        return f"{(self.stack.now() - began) * 1000:.0f} ms"
