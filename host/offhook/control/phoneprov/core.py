"""The provisioning server: phones by their addresses, the paths they ask for, and what they get."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.calls.provisioning import Line, providers_of
from offhook.control.http.message import HttpError, Request, Response, not_found, not_implemented
from offhook.control.phoneprov.profiles import Profile, ServedFile
from offhook.control.phoneprov.zones import zone_variables
from offhook.dialplan.scope import Scope
from offhook.dialplan.variables import Variables

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

FOLDER = "phoneprov"
MOST_BYTES = 4 * 1024 * 1024
"""A template is not longer than that."""


@dataclass(slots=True)
class Phone:
    """A phone and its lines, by their numbers."""

    mac: str
    provider: str
    profile: Profile
    lines: dict[int, Line] = field(default_factory=dict)

    @property
    def first(self) -> Line:
        """The line whose variables stand for the phone's."""
        return self.lines[min(self.lines)]


@dataclass(frozen=True, slots=True)
class Route:
    """A path that phones ask for; without a phone it is for all."""

    path: str
    file: ServedFile
    profile: Profile
    phone: Phone | None = None


class Provisioning:
    """All phones, profiles and routes."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.profiles: dict[str, Profile] = {}
        self.phones: dict[str, Phone] = {}
        self.routes: dict[str, Route] = {}

    # ---- phones -------------------------------------------------------------------------------------

    def configure(self, profiles: dict[str, Profile]) -> None:
        """Take new profiles, and ask every provider for its phones again."""
        self.profiles = profiles
        self.phones.clear()
        self.routes = {
            file.name: Route(file.name, file, profile) for profile in profiles.values() for file in profile.static
        }
        for name in providers_of(self.pbx).by_name:
            self._take(name)

    def changed(self, name: str) -> None:
        """A provider came, changed or went."""
        self.phones = {mac: phone for mac, phone in self.phones.items() if phone.provider != name}
        gone = [path for path, route in self.routes.items() if route.phone and route.phone.provider == name]
        for path in gone:
            del self.routes[path]
        self._take(name)

    def _take(self, name: str) -> None:
        provider = providers_of(self.pbx).by_name.get(name)
        for line in provider() if provider is not None else ():
            try:
                self.add(name, line)
            except ValueError as error:
                log.error("phone provisioning by %s: %s", name, error)

    def add(self, provider: str, given: Line) -> None:
        """One more line of a phone. ValueError with a sentence when it cannot be used."""
        for needed in ("USERNAME", "MAC", "PROFILE"):
            if not given.get(needed):
                raise ValueError(f"a line without {needed} ({given.get('MAC') or given.get('USERNAME') or 'unknown'})")
        mac, profile = given["MAC"], self.profiles.get(given["PROFILE"])
        if profile is None:
            raise ValueError(f"{mac}: there is no profile [{given['PROFILE']}] in phoneprov.conf")
        phone = self.phones.get(mac)
        if phone is None:
            phone = Phone(mac, provider, profile)
        elif phone.provider != provider:
            raise ValueError(f"{mac} is known from {phone.provider} already")
        line = {"LINE": "1", "LINEKEYS": "1"} | given
        line |= zone_variables(line.get("TIMEZONE", ""), self.pbx.wall())
        number = int(line["LINE"]) if line["LINE"].isdigit() else 1
        if number in phone.lines:
            raise ValueError(f"{mac} has a line {number} already")
        for name, value in phone.profile.variables:
            if name not in line:
                line[name] = self.scope(line).expand(value)
        phone.lines[number] = line
        if mac not in self.phones:
            self.phones[mac] = phone
            for file in phone.profile.dynamic:
                path = self.scope(line).expand(file.name)
                self.routes[path] = Route(path, file, phone.profile, phone)

    # ---- what phones get ----------------------------------------------------------------------------

    def scope(self, line: Line) -> Scope:
        """Where a line's templates are evaluated."""
        variables = Variables()
        for name, value in line.items():
            variables.set(name, value)
        return Scope(self.pbx, variables=variables)

    def path_of(self, template: str) -> str:
        """Where a file lies. ValueError for a name that leads out of its folder."""
        folder = os.path.join(self.pbx.paths.data, FOLDER)
        path = os.path.normpath(os.path.join(folder, template))
        if not path.startswith(folder + os.sep):
            raise ValueError(f'"{template}" leads out of {folder}')
        return path

    def read(self, template: str) -> str:
        """A template's text. OSError, or ValueError for one that is none. May block for a moment."""
        path = self.path_of(template)
        if os.path.getsize(path) > MOST_BYTES:
            raise ValueError(f"{path} is too long for a template")
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    async def serve(self, request: Request) -> Response:
        """Answer a phone."""
        if request.method not in ("GET", "HEAD"):
            raise not_implemented()
        route = self.routes.get(request.path)
        if route is None:
            raise not_found()
        headers = [("Content-type", route.file.media_type)]
        try:
            if route.phone is None:
                path = self.path_of(route.file.template)
                await self.pbx.off_loop(os.stat, path)
                return Response(headers=headers, file=path)
            text = await self.pbx.off_loop(self.read, route.file.template)
        except (OSError, ValueError) as error:
            log.warning("%s cannot be served: %s", request.target, error)
            raise HttpError(500, "Internal Error", "An internal error has occured.") from None
        here = {} if "SERVER" in route.phone.first else {"SERVER": request.local[0]}
        text = await self.scope(route.phone.first | here).expanded(text)
        return Response(headers=headers, body=text.encode("utf-8", "surrogateescape"))

    # ---- functions ----------------------------------------------------------------------------------

    async def each_user(self, text: str, without: str) -> str:
        """A text once for each phone but one, with %{NAME} for the variables of its first line."""
        template = text.replace("%{", "${")
        phones = [phone for phone in self.phones.values() if not without or phone.mac.lower() != without.lower()]
        return "".join([await self.scope(phone.first).expanded(template) for phone in phones])

    async def each_line(self, mac: str, template: str, server: str) -> str:
        """A template once for each line of a phone. ValueError, OSError."""
        phone = self.phones.get(mac)
        if phone is None:
            raise ValueError(f"there is no phone {mac}")
        text = await self.pbx.off_loop(self.read, template)
        lines = (line if "SERVER" in line or not server else {**line, "SERVER": server} for line in _lines(phone))
        return "".join([await self.scope(line).expanded(text) for line in lines])


def _lines(phone: Phone) -> Iterator[Line]:
    for number in sorted(phone.lines):
        yield phone.lines[number]


def rows(routes: Iterable[Route], *, dynamic: bool) -> Iterator[str]:
    """Routes as the CLI lists them."""
    for route in routes:
        if dynamic and route.phone is not None:
            provider = route.phone.provider
            yield f"{provider:<20.20} {route.profile.name:<20.20} {route.path:<40.40}  {route.file.template:<30.30}"
        elif not dynamic and route.phone is None:
            yield f"{route.profile.name:<20.20} {route.path:<40.40}  {route.file.template:<30.30}"
