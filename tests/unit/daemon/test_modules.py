"""Registering, finding, loading and reloading modules."""

import textwrap
from pathlib import Path
from typing import Any

import pytest

from offhook.calls.bus import Bus
from offhook.config.model import ConfigError
from offhook.config.parser import loads
from offhook.modules import Module
from offhook.modules.events import ModuleLoad, Reload
from offhook.modules.loader import (
    Loader,
    Reloaded,
    RequiredModuleError,
    Result,
    State,
    base_name,
    discover,
    is_core,
    read_order,
)
from offhook.modules.registry import Registry, split_line


class Files:
    """The configuration files there are."""

    def __init__(self) -> None:
        self.files: set[str] = set()

    def has(self, name: str) -> bool:
        return name in self.files


class Exchange:
    """As much of a Pbx as loading needs."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.config = Files()
        self.bus = Bus()
        self.channels: list[Any] = []
        self.reloaded_at = 0.0
        self.trace: list[str] = []
        self.clock = 0.0

    def now(self) -> float:
        return self.clock


FILES = {
    "apps/one.py": """
        from offhook.modules import LoadError, Module, Syntax
        module = Module("app_one", "One", depends=("res_base",))
        other = Module(
            "app_other", "Declines"
        )

        @module.application("One", Syntax())
        def one(channel):
            \"\"\"Do one thing.\"\"\"

        @module.on_load
        def load(pbx):
            pbx.trace.append("one")

        @module.on_reload
        def reload(pbx):
            pbx.trace.append("reload one")

        @module.on_unload
        async def unload(pbx):
            pbx.trace.append("unload one")

        @other.on_load
        def refuse(pbx):
            raise LoadError("there is no hardware")
        """,
    "services/base.py": """
        from offhook.modules import Module
        module = Module("res_base", "Base", priority=5)

        @module.on_load
        async def load(pbx):
            pbx.trace.append("base")

        @module.on_reload
        def reload(pbx):
            raise RuntimeError("broken")
        """,
    "services/core.py": """
        from offhook.modules import Module
        module: Module = Module("indications", "Tones")
        """,
    "apps/broken.py": """
        from offhook.modules import Module
        module = Module("app_broken", "Cannot be imported")
        import nothing_of_that_name
        """,
    "apps/needy.py": """
        from offhook.modules import Module
        module = Module("app_needy", "Needs a file (of its own)", depends=(), needs="needy.conf|other.conf")
        """,
    "apps/plain.py": """
        x = 1
        """,
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> tuple[str, Path]:
    """A package with modules, under a name of its own in each test."""
    name = "package_" + request.node.name.partition("[")[0]
    for path, text in FILES.items():
        target = tmp_path / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(str(tmp_path))
    return name, tmp_path / name


@pytest.fixture
def loader(package: tuple[str, Path]) -> Loader:
    name, path = package
    made = Loader(Exchange(), path)  # type: ignore[arg-type]
    made.known = discover(path, name)
    return made


def trace(loader: Loader) -> list[str]:
    return loader.pbx.trace  # type: ignore[attr-defined,no-any-return]


def test_modules_are_found_without_importing_them(package: tuple[str, Path]) -> None:
    name, path = package
    found = discover(path, name)
    assert {one.name: one.source.removeprefix(name) for one in found.values()} == {
        "app_broken": ".apps.broken",
        "app_needy": ".apps.needy",
        "app_one": ".apps.one",
        "app_other": ".apps.one",
        "res_base": ".services.base",
        "indications": ".services.core",
    }


def test_every_module_of_offhook_is_found_under_its_name() -> None:
    """What discovery reads in the text of a file is what importing it would show."""
    import importlib

    import offhook

    found = discover(Path(offhook.__file__).parent)
    by_source: dict[str, set[str]] = {}
    for one in found.values():
        by_source.setdefault(one.source, set()).add(one.name)
    for source, names in by_source.items():
        namespace = vars(importlib.import_module(source)).values()
        modules = {value.name: value for value in namespace if isinstance(value, Module)}
        assert names <= modules.keys(), source
        for name in names:
            assert found[name.lower()].needs == modules[name].needs, source


@pytest.mark.parametrize(
    ("name", "core"),
    [("indications", True), ("cdr", True), ("app_echo", False), ("cdr_csv", False), ("pbx_builtins", True)],
)
def test_the_core_is_what_asterisk_builds_in(name: str, core: bool) -> None:
    assert is_core(name) is core


def test_modules_conf_in_order() -> None:
    order = read_order(
        loads(
            "[modules]\nautoload = yes\nload = app_b.so\nload => app_a\nrequire = app_c\npreload = app_d\n"
            "preload-require = app_e\nnoload = APP_F.so\n"
        )
    )
    assert order.autoload
    assert order.names == ["app_b", "app_a", "app_c", "app_d", "app_e"]
    assert order.preload == {"app_d", "app_e"}
    assert order.required == {"app_c", "app_e"}
    assert order.excluded == {"app_f"}
    assert base_name("App_X.so") == "app_x"


@pytest.mark.parametrize("text", ["[x]\n", "[modules]\nx = y\n", "[modules]\nrequire = a\nnoload = a.so\n"])
def test_a_modules_conf_that_contradicts_itself(text: str) -> None:
    with pytest.raises(ConfigError):
        read_order(loads(text))


async def test_autoload_starts_by_priority_and_dependency(loader: Loader) -> None:
    order = read_order(loads("[modules]\nautoload = yes\n"))
    assert await loader.boot_core() == 1
    assert await loader.boot(order, preload=False) == 2
    assert trace(loader) == ["base", "one"]
    assert loader.known["app_other"].state is State.DECLINED
    assert loader.known["app_other"].why == "there is no hardware"
    assert loader.known["app_broken"].state is State.DECLINED
    assert "nothing_of_that_name" in loader.known["app_broken"].why
    assert loader.is_running("APP_ONE.so")
    assert loader.pbx.registry.application("ONE") is not None


async def test_without_autoload_only_what_is_named_loads(loader: Loader, caplog: pytest.LogCaptureFixture) -> None:
    order = read_order(loads("[modules]\nload = app_one.so\n"))
    assert await loader.boot(order, preload=False) == 0
    assert "module app_one declined: it needs res_base" in caplog.text
    order = read_order(loads("[modules]\nload = app_one.so\nload = res_base.so\nload = nix\n"))
    loader.known["app_one"].state = State.KNOWN
    assert await loader.boot(order, preload=False) == 2
    assert "modules.conf loads nix, and Offhook has no such module" in caplog.text


async def test_a_module_is_not_imported_while_the_file_it_needs_is_missing(loader: Loader) -> None:
    order = read_order(loads("[modules]\nload = app_needy\n"))
    assert await loader.boot(order, preload=False) == 0
    needy = loader.known["app_needy"]
    assert (needy.state, needy.why, needy.module) == (State.DECLINED, "there is no needy.conf nor other.conf", None)
    loader.pbx.config.files.add("other.conf")  # type: ignore[attr-defined]
    assert await loader.load("app_needy") is Result.SUCCESS


async def test_preloaded_modules_come_first(loader: Loader) -> None:
    order = read_order(loads("[modules]\npreload = res_base\nload = app_one\n"))
    assert await loader.boot(order, preload=True) == 1
    assert trace(loader) == ["base"]
    assert await loader.boot(order, preload=False) == 1
    assert trace(loader) == ["base", "one"]


@pytest.mark.parametrize("name", ["nix", "app_other", "app_broken", "app_needy"])
async def test_a_required_module_that_does_not_load_stops_the_start(loader: Loader, name: str) -> None:
    order = read_order(loads(f"[modules]\nautoload = yes\nrequire = {name}\n"))
    with pytest.raises(RequiredModuleError, match=name):
        await loader.boot(order, preload=False)


async def test_the_core_cannot_be_excluded(loader: Loader, caplog: pytest.LogCaptureFixture) -> None:
    order = read_order(loads("[modules]\nautoload = yes\nnoload = indications\n"))
    await loader.boot_core()
    await loader.boot(order, preload=False)
    assert loader.is_running("indications")
    assert "belongs to the core" in caplog.text


async def test_unloading_and_loading_again(loader: Loader) -> None:
    await loader.boot(read_order(loads("[modules]\nautoload = yes\n")), preload=False)
    await loader.ready()
    told: list[tuple[str, str, str]] = []
    loader.pbx.bus.subscribe(ModuleLoad, lambda event: told.append((event.action, event.module, event.status)))
    assert not await loader.unload("res_base")
    assert await loader.unload("app_one.so")
    assert loader.pbx.registry.application("One") is None
    assert trace(loader)[-1] == "unload one"
    assert await loader.load("app_one.so") is Result.SUCCESS
    assert await loader.load("app_one") is Result.DECLINE
    assert await loader.load("app_other") is Result.DECLINE
    assert await loader.unload("app_other")
    assert loader.known["app_other"].state is State.KNOWN
    assert await loader.unload("res_base", force=True)
    assert told == [
        ("Unload", "app_one.so", "Success"),
        ("Load", "app_one.so", "Success"),
        ("Load", "app_other", "Decline"),
        ("Unload", "app_other", "Success"),
        ("Unload", "res_base", "Success"),
    ]


async def test_reloading_one_all_and_too_early(loader: Loader) -> None:
    await loader.boot_core()
    await loader.boot(read_order(loads("[modules]\nautoload = yes\n")), preload=False)
    told: list[tuple[str, int]] = []
    loader.pbx.bus.subscribe(Reload, lambda event: told.append((event.module, event.status)))
    assert await loader.reload("app_one") is Reloaded.QUEUED
    loader.pbx.clock = 7.0  # type: ignore[attr-defined]
    await loader.ready()
    assert trace(loader)[-1] == "reload one"
    assert loader.pbx.reloaded_at == 7.0
    assert await loader.reload("nix") is Reloaded.NOT_FOUND
    assert await loader.reload("indications") is Reloaded.NOT_IMPLEMENTED
    assert await loader.reload("app_other") is Reloaded.UNINITIALIZED
    assert await loader.reload("res_base") is Reloaded.ERROR
    assert await loader.reload() is Reloaded.SUCCESS
    assert told == [
        ("app_one", 1),
        ("app_one", 0),
        ("nix", 2),
        ("indications", 6),
        ("app_other", 5),
        ("res_base", 3),
        ("All", 0),
    ]


async def test_stopping_unloads_last_loaded_first(loader: Loader) -> None:
    await loader.boot(read_order(loads("[modules]\nautoload = yes\n")), preload=False)
    await loader.stop()
    assert trace(loader)[-1] == "unload one"
    assert loader.running == []
    assert loader.pbx.registry.modules == {}


# ---- the registry -----------------------------------------------------------------------------------


def registered(*specs: str) -> Registry:
    module = Module("test", "Test")
    for spec in specs:
        module.command(spec)(lambda request: None)
    registry = Registry()
    registry.add(module)
    return registry


def test_the_command_with_most_words_wins() -> None:
    registry = registered("core show", "core show channels [concise]", "core show channel <channel>")

    def found(line: str) -> str | None:
        command = registry.command(line.split())
        return command.spec if command else None

    assert found("core show channels concise") == "core show channels [concise]"
    assert found("CORE Show Channel x") == "core show channel <channel>"
    assert found("core show uptime") == "core show"
    assert found("core") is None
    assert found("core sho channels") is None


def test_a_name_taken_is_refused_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    registry = registered("core show")
    second = Module("second", "Second")
    second.command("Core Show")(lambda request: None)
    registry.add(second)
    assert len(registry.commands) == 1
    assert "command core show of module second is registered already by test" in caplog.text
    registry.remove(second)
    assert registry.command(["core", "show"]) is not None


def test_completion_offers_words_choices_and_arguments() -> None:
    module = Module("test", "Test")
    module.command("logger set level {DEBUG|NOTICE} {on|off}", complete=lambda pbx, args, typed: ["extra"])(print)
    module.command("logger mute [silent]")(print)
    module.command("_hidden command")(print)
    registry = Registry()
    registry.add(module)
    assert registry.complete(None, "") == ["logger"]
    assert registry.complete(None, "LOG") == ["logger"]
    assert registry.complete(None, "logger") == ["logger"]
    assert registry.complete(None, "logger ") == ["mute", "set"]
    assert registry.complete(None, "logger mute s") == ["silent"]
    assert registry.complete(None, "logger set level DEBUG o") == ["off", "on"]
    assert registry.complete(None, "logger set level DEBUG on e") == ["extra"]
    assert registry.complete(None, "nonsense ") == []
    assert registry.complete(None, "logger m*") == []


def test_every_change_moves_the_generation() -> None:
    registry = Registry()
    before = registry.generation
    module = Module("test", "Test")
    registry.add(module)
    registry.remove(module)
    assert registry.generation == before + 2


@pytest.mark.parametrize(
    ("line", "words", "blank"),
    [
        ("", [], True),
        ("a b", ["a", "b"], False),
        ("  a   b ", ["a", "b"], True),
        ('a "b c" d', ["a", "b c", "d"], False),
        ('a "" d', ["a", "", "d"], False),
        ('a b" c"d', ["a", "b cd"], False),
        ("a b\\ c", ["a", "b c"], False),
        ('a \\"b', ["a", '"b'], False),
        ('a "b \\" c"', ["a", 'b " c'], False),
        ("a\tb", ["a", "b"], False),
    ],
)
def test_lines_are_split_into_words(line: str, words: list[str], blank: bool) -> None:
    assert split_line(line) == (words, blank)


BUILT_IN = """
from offhook.modules import Module
fixed = Module("codec_x", "Always there", builtin=True)
bridge = Module("bridge_x", "May be left out", builtin=True)
bridge.load = lambda pbx: pbx.trace.append("bridge")
bridge.unload = lambda pbx: pbx.trace.append("no bridge")
"""


async def test_what_is_built_in_says_so_or_is_left_out(
    loader: Loader, package: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (package[1] / "services/builtin.py").write_text(BUILT_IN)
    loader.known = discover(package[1], package[0])
    order = read_order(
        loads("[modules]\nautoload = yes\nnoload = codec_x.so\nnoload = bridge_x.so\nnoload = app_one\n")
    )
    await loader.boot(order, preload=False)
    assert trace(loader) == ["no bridge", "base"]
    assert "modules.conf excludes codec_x, which is built in" in caplog.text
    assert "app_one, which" not in caplog.text
    assert await loader.load("bridge_x") is Result.SUCCESS
    assert await loader.load("codec_x") is Result.SUCCESS
    assert not await loader.unload("codec_x")
    assert loader.is_running("codec_x")
    assert await loader.unload("bridge_x")
    assert trace(loader) == ["no bridge", "base", "bridge", "no bridge"]
