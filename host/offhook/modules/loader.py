"""Finding modules, and loading, unloading and reloading them by name.

Modules are found by their line ``module = Module("app_echo", ...)`` in the text of the package's files: a file is
imported when one of its modules is loaded, so what modules.conf leaves out costs no memory.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from offhook.config.model import ConfigError, ConfigFile
from offhook.log import NOTICE, verbose
from offhook.modules.events import ModuleLoad, Reload
from offhook.modules.module import Hook, LoadError, Module, StartError

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

FOLDERS: Final = (
    "apps",
    "calls",
    "control",
    "daemon",
    "dialplan",
    "drivers",
    "field",
    "functions",
    "media",
    "services",
    "storage",
)
LOADABLE: Final = frozenset(("app", "bridge", "cdr", "cel", "chan", "codec", "format", "func", "pbx", "res", "test"))
"""First words of the names of modules that modules.conf decides about."""
CORE: Final = frozenset(("cdr", "cel", "pbx_builtins"))
_DECLARATION = re.compile(
    r'^\w+(?::\s*\w+)?\s*=\s*Module\(\s*"([^"]+)"(?:(?:"[^"]*"|\([^()]*\)|[^()"])*?\bneeds="([^"]+)")?', re.MULTILINE
)


class State(Enum):
    """How far a module is."""

    KNOWN = "Not Loaded"
    RUNNING = "Running"
    DECLINED = "Declined"


class Result(Enum):
    """How a load ended, by the number and the word that AMI events tell it with."""

    SUCCESS = (0, "Success")
    DECLINE = (1, "Decline")
    SKIP = (2, "Skip")
    PRIORITY = (3, "Priority")
    FAILURE = (-1, "Failure")


class Reloaded(Enum):
    """How a reload ended; the numbers are those of the Reload event."""

    SUCCESS = 0
    QUEUED = 1
    NOT_FOUND = 2
    ERROR = 3
    IN_PROGRESS = 4
    UNINITIALIZED = 5
    NOT_IMPLEMENTED = 6


@dataclass(slots=True, eq=False)
class Loaded:
    """A module the loader knows, imported or not."""

    name: str
    source: str
    """Import path of its file."""
    builtin: bool = False
    """Names something that is always there."""
    needs: str = ""
    """See Module."""
    module: Module | None = None
    state: State = State.KNOWN
    why: str = ""
    """Why it declined."""

    @property
    def file(self) -> str:
        """The name that Asterisk's tools use."""
        return f"{self.name}.so"


@dataclass(slots=True)
class LoadOrder:
    """What modules.conf asks for."""

    names: list[str] = field(default_factory=list)
    preload: set[str] = field(default_factory=set)
    required: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)
    autoload: bool = False


class RequiredModuleError(Exception):
    """A module that modules.conf requires did not load: the daemon must not start."""


def base_name(name: str) -> str:
    """A module's name without ``.so``, as it is compared: in lower case."""
    name = name.lower()
    return name.removesuffix(".so")


def is_core(name: str) -> bool:
    """Whether a module belongs to the core: its name has none of the prefixes of Asterisk's loadable modules."""
    return name in CORE or name.partition("_")[0] not in LOADABLE


def discover(package_path: Path, package: str = "offhook", folders: Iterable[str] = FOLDERS) -> dict[str, Loaded]:
    """Every module declared in the files of a package's folders, by name, without importing them."""
    found: dict[str, Loaded] = {}
    for folder in folders:
        for path in sorted((package_path / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if "Module(" not in text:
                continue
            source = ".".join((package, *path.relative_to(package_path).with_suffix("").parts))
            source = source.removesuffix(".__init__")
            for name, needs in _DECLARATION.findall(text):
                if name.lower() in found:
                    log.error("module %s is declared in %s and in %s", name, found[name.lower()].source, source)
                    continue
                found[name.lower()] = Loaded(name, source, "builtin=True" in text, needs)
    return found


def read_order(config: ConfigFile) -> LoadOrder:
    """What modules.conf says; raises ConfigError for a contradiction or an unknown word: the daemon must not start."""
    order = LoadOrder()
    section = config.get("modules")
    if section is None:
        raise ConfigError("modules.conf", 0, "there is no [modules] section; write one with autoload = yes")
    for entry in section:
        word = entry.name.lower()
        name = base_name(entry.value)
        if word in ("load", "require", "preload", "preload-require"):
            if name not in order.names:
                order.names.append(name)
            if word.startswith("preload"):
                order.preload.add(name)
            if word.endswith("require"):
                order.required.add(name)
        elif word == "noload":
            order.excluded.add(name)
        elif word != "autoload":
            raise ConfigError(
                entry.file,
                entry.line,
                f'unknown option "{entry.name}"; write autoload, load, noload, preload, preload-require or require',
            )
    order.autoload = section.boolean("autoload")
    for name in order.required & order.excluded:
        raise ConfigError("modules.conf", section.line, f"{name} is both required and excluded by noload; take one out")
    return order


class Loader:
    """The modules of one running exchange."""

    def __init__(self, pbx: Pbx, package_path: Path | None = None) -> None:
        self.pbx = pbx
        self.known = discover(package_path or Path(__file__).parent.parent)
        self.running: list[Loaded] = []
        """In the order they were started."""
        self.booted = False
        self._queued: list[str] = []
        self._reloading = False

    # ---- look-up ------------------------------------------------------------------------------------

    def find(self, name: str) -> Loaded | None:
        """The module of that name, with or without ``.so``, in any case."""
        return self.known.get(base_name(name))

    def is_running(self, name: str) -> bool:
        """Whether the module of that name runs."""
        found = self.find(name)
        return found is not None and found.state is State.RUNNING

    def use_count(self, loaded: Loaded) -> int:
        """How many channels use the module's drivers."""
        if loaded.module is None or not loaded.module.drivers:
            return 0
        prefixes = tuple(driver.technology.lower() + "/" for driver in loaded.module.drivers)
        return sum(channel.name.lower().startswith(prefixes) for channel in self.pbx.channels)

    # ---- boot ---------------------------------------------------------------------------------------

    async def boot_core(self) -> int:
        """Load the modules that belong to the core whatever modules.conf says; how many started."""
        core = [loaded for loaded in self.known.values() if is_core(loaded.name) and self._imported(loaded)]
        core.sort(key=lambda loaded: loaded.module.priority if loaded.module else 0)
        order = LoadOrder(autoload=True)
        return sum([await self._start_with_dependencies(loaded, order, set()) for loaded in core])

    async def boot(self, order: LoadOrder, *, preload: bool) -> int:
        """Load the modules that modules.conf preloads, or all the others; how many started.

        Raises RequiredModuleError.
        """
        if preload:
            chosen = [name for name in order.names if name in order.preload]
        else:
            chosen = [name for name in order.names if name not in order.preload]
            if order.autoload:
                chosen += [name for name in self.known if name not in order.names]
        wanted: list[Loaded] = []
        for name in chosen:
            if name in order.excluded:
                await self._leave_out(name)
                continue
            loaded = self.known.get(name)
            if loaded is None:
                if name in order.required:
                    raise RequiredModuleError(f"modules.conf requires {name}, and Offhook has no such module")
                log.warning("modules.conf loads %s, and Offhook has no such module", name)
            elif loaded.state is State.KNOWN and self._imported(loaded):
                wanted.append(loaded)
            elif name in order.required and loaded.state is State.DECLINED:
                raise RequiredModuleError(f"required module {name} did not load: {loaded.why}")
        wanted.sort(key=lambda loaded: loaded.module.priority if loaded.module else 0)
        count = 0
        for loaded in wanted:
            count += await self._start_with_dependencies(loaded, order, set())
        return count

    async def _leave_out(self, name: str) -> None:
        """modules.conf has noload for a module: those that are always there say so, or have what they name stopped."""
        loaded = self.known.get(name)
        if is_core(name):
            log.error("modules.conf excludes %s, which belongs to the core and is always loaded", name)
        elif loaded is not None and loaded.builtin and self._imported(loaded):
            if loaded.module is not None and loaded.module.unload is not None:
                await _call(loaded.module.unload, self.pbx)
            else:
                log.log(NOTICE, "modules.conf excludes %s, which is built in: it is there all the same", name)

    async def _start_with_dependencies(self, loaded: Loaded, order: LoadOrder, above: set[str]) -> int:
        if loaded.state is not State.KNOWN:
            return 0
        count = 0
        assert loaded.module is not None
        for name in loaded.module.depends:
            needed = self.find(name)
            if needed is None or needed.name in above or base_name(name) in order.excluded:
                break
            if not order.autoload and base_name(name) not in order.names:
                break
            if self._imported(needed):
                count += await self._start_with_dependencies(needed, order, above | {loaded.name})
        if await self._start(loaded) is Result.SUCCESS:
            return count + 1
        if base_name(loaded.name) in order.required:
            raise RequiredModuleError(f"required module {loaded.name} did not load: {loaded.why}")
        return count

    # ---- one module ---------------------------------------------------------------------------------

    def _imported(self, loaded: Loaded) -> bool:
        if loaded.module is not None:
            return True
        needs = loaded.needs.split("|") if loaded.needs else []
        if needs and not any(self.pbx.config.has(one) for one in needs):
            self._decline(loaded, f"there is no {' nor '.join(needs)}")
            log.log(NOTICE, "module %s declined: %s", loaded.name, loaded.why)
            return False
        try:
            namespace = vars(importlib.import_module(loaded.source))
        except Exception as error:
            self._decline(loaded, f"{type(error).__name__}: {error}")
            log.error("module %s cannot be imported", loaded.name, exc_info=error)
            return False
        for value in namespace.values():
            if isinstance(value, Module):
                sibling = self.known.get(value.name.lower())
                if sibling is not None and sibling.source == loaded.source:
                    sibling.module = value
        return loaded.module is not None

    def _decline(self, loaded: Loaded, why: str) -> None:
        loaded.state = State.DECLINED
        loaded.why = why

    async def _start(self, loaded: Loaded) -> Result:
        module = loaded.module
        assert module is not None
        missing = [name for name in module.depends if not self.is_running(name)]
        if missing:
            self._decline(loaded, f"it needs {', '.join(missing)}")
            log.error("module %s declined: %s", loaded.name, loaded.why)
            return Result.DECLINE
        if not self.booted:
            verbose(4, "Loading %s.", loaded.file)
        self.pbx.registry.add(module)
        try:
            await _call(module.load, self.pbx)
        except LoadError as error:
            self.pbx.registry.remove(module)
            self._decline(loaded, str(error))
            log.log(NOTICE, "module %s declined: %s", loaded.name, error)
            return Result.DECLINE
        except StartError:
            raise
        except Exception as error:
            self.pbx.registry.remove(module)
            self._decline(loaded, f"{type(error).__name__}: {error}")
            log.error("module %s failed to load", loaded.name, exc_info=error)
            return Result.DECLINE
        loaded.state = State.RUNNING
        loaded.why = ""
        self.running.append(loaded)
        if self.booted:
            verbose(4, "Loaded %s => (%s)", loaded.file, module.text)
        else:
            verbose(5, "%s => (%s)", loaded.file, module.text)
        return Result.SUCCESS

    async def load(self, name: str) -> Result:
        """Load a module by name now; a declined one is tried again."""
        loaded = self.find(name)
        if loaded is None:
            log.error("there is no module %s", name)
            result = Result.DECLINE
        elif loaded.state is State.RUNNING:
            log.warning("module %s is loaded and running already", name)
            return Result.DECLINE
        else:
            loaded.state = State.KNOWN
            result = await self._start(loaded) if self._imported(loaded) else Result.DECLINE
        self._tell("Load", name, result.value[1])
        return result

    async def unload(self, name: str, *, force: bool = False) -> bool:
        """Unload a module by name; False when it is in use (and not forced), needed by others, or not loaded."""
        loaded = self.find(name)
        if loaded is None or loaded.state is State.KNOWN:
            log.warning("module %s cannot be unloaded: it is not loaded", name)
            return False
        if loaded.state is State.DECLINED:
            loaded.state = State.KNOWN
            log.log(NOTICE, "module %s, which had declined to load, is forgotten", name)
        elif loaded.builtin and loaded.module is not None and loaded.module.unload is None:
            log.warning("module %s cannot be unloaded: it is built in", name)
            return False
        else:
            users = [other.name for other in self.running if other.module and loaded.name in other.module.depends]
            count = self.use_count(loaded) + len(users)
            if count and not force:
                log.warning(
                    "module %s cannot be unloaded: use count is %d%s",
                    name,
                    count,
                    f" ({', '.join(users)})" if users else "",
                )
                return False
            await self._stop(loaded)
        self._tell("Unload", name, "Success")
        return True

    async def _stop(self, loaded: Loaded) -> None:
        assert loaded.module is not None
        verbose(4, "Unloading %s", loaded.file)
        try:
            await _call(loaded.module.unload, self.pbx)
        except Exception as error:
            log.error("module %s failed while it was unloaded", loaded.name, exc_info=error)
        self.pbx.registry.remove(loaded.module)
        self.running.remove(loaded)
        loaded.state = State.KNOWN

    def _tell(self, action: str, name: str, status: str) -> None:
        if self.booted:
            self.pbx.bus.publish(ModuleLoad(action, name, status))

    async def stop(self) -> None:
        """Unload everything, last loaded first."""
        for loaded in reversed(self.running[:]):
            await self._stop(loaded)

    # ---- reload -------------------------------------------------------------------------------------

    async def reload(self, name: str = "") -> Reloaded:
        """Have a module, or all of them, read their configuration again. During start it is put off."""
        if not self.booted:
            if name not in self._queued:
                self._queued.append(name)
            result = Reloaded.QUEUED
        elif self._reloading:
            verbose(3, "The previous reload command didn't finish yet")
            result = Reloaded.IN_PROGRESS
        else:
            self._reloading = True
            self.pbx.reloaded_at = self.pbx.now()
            try:
                result = await (self._reload_one(name) if name else self._reload_all())
            finally:
                self._reloading = False
        self.pbx.bus.publish(Reload(name or "All", result.value))
        return result

    async def _reload_all(self) -> Reloaded:
        result = Reloaded.NOT_FOUND
        for loaded in self.running[:]:
            if loaded.module is not None and loaded.module.reload is not None:
                one = await self._reload(loaded)
                if one is Reloaded.SUCCESS or result is Reloaded.NOT_FOUND:
                    result = one
        return result

    async def _reload_one(self, name: str) -> Reloaded:
        loaded = self.find(name)
        if loaded is None or loaded.state is State.KNOWN:
            return Reloaded.NOT_FOUND
        if loaded.state is not State.RUNNING:
            return Reloaded.UNINITIALIZED
        return await self._reload(loaded)

    async def _reload(self, loaded: Loaded) -> Reloaded:
        assert loaded.module is not None
        if loaded.module.reload is None:
            return Reloaded.NOT_IMPLEMENTED
        verbose(3, "Reloading module '%s' (%s)", loaded.file, loaded.module.text)
        try:
            await _call(loaded.module.reload, self.pbx)
        except LoadError as error:
            log.error("module %s kept its old configuration: %s", loaded.name, error)
            return Reloaded.ERROR
        except Exception as error:
            log.error("module %s failed to reload", loaded.name, exc_info=error)
            return Reloaded.ERROR
        return Reloaded.SUCCESS

    async def ready(self) -> None:
        """Everything is loaded: carry out the reloads that were asked for meanwhile."""
        self.booted = True
        queued, self._queued = self._queued, []
        if "" in queued:
            queued = [""]
        for name in queued:
            log.log(NOTICE, "carrying out the reload of %s asked for during start", name or "everything")
            await self.reload(name)


async def _call(hook: Hook | None, pbx: Pbx) -> None:
    if hook is not None:
        result = hook(pbx)
        if inspect.isawaitable(result):
            await result
