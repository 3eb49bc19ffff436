"""The first start: what it decides, refuses, heals and says, without fetching anything."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hub.errors import NotConfigured, Unreachable
from hub.installation import first_start, handover, home, jars, packages, tools
from hub.installation.commands import Commands

CHECKOUT = Path(__file__).parents[2]
ENTRY = CHECKOUT / "hub" / "__main__.py"


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    """A first start's programs, logging into the test's folder."""
    return Commands(logs=tmp_path / "logs", keep_open=0, timeout_s=20)


def _ignore(*_: str) -> None:
    pass


def test_an_old_python_can_read_the_entry_and_is_told_what_it_lacks() -> None:
    tree = ast.parse(ENTRY.read_text(encoding="utf-8"), feature_version=(3, 4))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.AnnAssign)]
    pretend = (
        "import sys, runpy; sys.version_info = (3, 9, 2); runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", pretend, str(ENTRY)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "needs Python 3.11 or newer; this is Python 3.9" in done.stderr


def test_the_bootstrap_imports_the_standard_library_only() -> None:
    without_packages = "sys.path[:] = [path for path in sys.path if 'site-packages' not in path]"
    script = f"import sys; {without_packages}; sys.path.insert(0, {str(CHECKOUT)!r})"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{script}; import hub.installation.first_start"], check=False
    )
    assert done.returncode == 0


def test_no_address_of_a_registry_stands_in_what_is_fetched() -> None:
    files = [*(CHECKOUT / "hub").glob("requirements*"), home.JAR_LIST, home.JAR_LIST.with_name("pom.xml")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    allowed = text.replace("http://maven.apache.org/POM/4.0.0", "")
    assert "://" not in allowed
    assert "/tmp" not in allowed


def test_every_package_is_pinned_and_hashed_and_developers_have_what_users_have() -> None:
    run, dev = (_pins(home.lock_file(dev=dev)) for dev in (False, True))
    assert all(hashes for hashes in run.values())
    assert all(hashes for hashes in dev.values())
    assert {name.split(" ")[0] for name in run} <= {name.split(" ")[0] for name in dev}
    assert any(name.startswith("uv==") for name in run)


def _pins(lock: Path) -> dict[str, int]:
    pins: dict[str, int] = {}
    name = ""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if "==" in line and not line.startswith(" "):
            name = line.rstrip(" \\").strip()
            pins[name] = 0
        elif "--hash=sha256:" in line:
            pins[name] += 1
    return pins


def test_pom_and_digests_name_the_same_jars() -> None:
    assert {path.name for path in jars._repository_paths()} == set(jars.listed())


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["demo", "--once"], True),
        (["doctor"], True),
        (["test"], True),
        (["contracts", "check"], False),
        ([], False),
        (["--help"], False),
        (["demo", "--help"], False),
        (["--version"], False),
    ],
)
def test_jars_are_fetched_only_for_commands_that_may_start_a_broker(
    arguments: list[str], *, needed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUB_KAFKA", raising=False)
    monkeypatch.setattr(handover, "DOCKER_SOCKET", "/nowhere")
    assert handover.needs_jars(arguments) is needed
    monkeypatch.setenv("HUB_KAFKA", "127.0.0.1:9092")
    assert not handover.needs_jars(arguments)


def test_home_is_the_users_cache_unless_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HUB_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert home.hub_home() == tmp_path / "partner-hub"
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "own"))
    assert home.hub_home() == tmp_path / "own"


def test_a_jar_with_a_wrong_digest_is_refused_and_nothing_is_kept(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "listed", lambda: {"a-1.jar": "0" * 64})
    monkeypatch.setattr(jars, "_from_local_repository", lambda _: False)
    monkeypatch.setattr(jars, "_by_maven", lambda target, *_: (target / "a-1.jar").write_bytes(b"other"))
    folder = tmp_path / "jars"
    with pytest.raises(NotConfigured, match=r"differ from our list.*a-1\.jar"):
        jars.fetch(folder, commands, _ignore)
    assert not folder.exists()


def test_jars_in_the_local_maven_repository_are_used_without_maven(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "repository"
    path = Path("org/x/a/1/a-1.jar")
    (repository / path).parent.mkdir(parents=True)
    (repository / path).write_bytes(b"jar")
    monkeypatch.setattr(jars, "listed", lambda: {"a-1.jar": hashlib.sha256(b"jar").hexdigest()})
    monkeypatch.setattr(jars, "_repository_paths", lambda: [path])
    monkeypatch.setenv("MAVEN_OPTS", f"-Dmaven.repo.local={repository}")
    monkeypatch.setattr(tools, "maven", lambda: pytest.fail("Maven was asked"))
    jars.fetch(tmp_path / "jars", commands, _ignore)
    assert home.is_complete(tmp_path / "jars")
    (repository / path).write_bytes(b"tampered")
    assert not jars._from_local_repository(tmp_path)


def test_the_local_repository_of_mavens_settings_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAVEN_OPTS", "MAVEN_ARGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert jars.local_repository() == tmp_path / ".m2" / "repository"
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text("<localRepository>/srv/jars</localRepository>")
    assert jars.local_repository() == Path("/srv/jars")


def test_missing_tools_are_named_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    for tool, name in ((tools.java, "Java 17"), (tools.maven, "Maven")):
        with pytest.raises(NotConfigured, match=name) as failure:
            tool()
        assert "HUB_KAFKA" in failure.value.fix


def test_an_old_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(NotConfigured, match="is Java 8"):
        tools.java()


def test_a_python_without_ensurepip_and_pip_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(NotConfigured, match="neither ensurepip nor pip") as failure:
        packages._pip("python")
    assert f"python{sys.version_info[0]}.{sys.version_info[1]}-venv" in failure.value.fix


def test_a_python_without_ensurepip_uses_the_pip_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_bundled_pip", lambda: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "pip" or None)
    command, _ = packages._pip("/env/python")
    assert command == [sys.executable, "-m", "pip", "--python", "/env/python"]


def test_uv_is_told_of_the_registry_pip_is_set_up_with(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = subprocess.CompletedProcess([], 0, stdout="global.index-url='mirror'\nglobal.timeout='5'\n")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: answer)
    assert packages._for_uv(["pip"], {})["UV_DEFAULT_INDEX"] == "mirror"
    assert packages._for_uv(["pip"], {"UV_DEFAULT_INDEX": "own"})["UV_DEFAULT_INDEX"] == "own"


def test_a_failing_step_is_named_with_its_log_and_its_cause(commands: Commands) -> None:
    script = "echo fetching; echo 'ERROR: no such host'; echo 'hint: see the manual'; exit 3"
    with pytest.raises(Unreachable, match=r"'jars' failed \(exit code 3\): ERROR: no such host") as failure:
        commands.run("jars", ["sh", "-c", script], environment={"PATH": "/usr/bin:/bin"}, on_line=_ignore)
    assert str(commands.log("jars")) in failure.value.fix
    assert "fetching" in commands.log("jars").read_text(encoding="utf-8")


def test_a_step_that_hangs_is_ended(tmp_path: Path) -> None:
    commands = Commands(logs=tmp_path, keep_open=0, timeout_s=0.2)
    with pytest.raises(Unreachable, match="did not end within"):
        commands.run("jars", ["sleep", "30"], environment={"PATH": "/usr/bin:/bin"}, on_line=_ignore)


def test_when_one_step_fails_the_other_is_ended_and_the_cause_is_told(commands: Commands) -> None:
    def hang(given: Commands, _: object) -> None:
        given.run("jars", ["sleep", "30"], environment={"PATH": "/usr/bin:/bin"}, on_line=_ignore)

    def fail(*_: object) -> None:
        time.sleep(0.2)
        message = "the registry does not answer"
        raise Unreachable(message)

    steps = [
        first_start._Step(lane=packages.LANE, announced="", fetch=fail),
        first_start._Step(lane=jars.LANE, announced="", fetch=hang),
    ]
    started = time.monotonic()
    with pytest.raises(Unreachable, match="registry does not answer"):
        first_start._fetch(steps, commands)
    assert time.monotonic() - started < 10


def test_two_first_starts_take_turns_and_the_second_says_so(tmp_path: Path) -> None:
    told = threading.Event()
    order: list[str] = []

    def second() -> None:
        with home.exclusive(tmp_path / "lock", told.set, 10):
            order.append("second")

    with home.exclusive(tmp_path / "lock", _ignore, 1):
        other = threading.Thread(target=second)
        other.start()
        assert told.wait(5)
        order.append("first")
    other.join(5)
    assert order == ["first", "second"]


def test_waiting_for_another_first_start_has_an_end(tmp_path: Path) -> None:
    with (
        home.exclusive(tmp_path / "lock", _ignore, 1),
        pytest.raises(Unreachable, match="another first start"),
        home.exclusive(tmp_path / "lock", _ignore, 0),
    ):
        pass
