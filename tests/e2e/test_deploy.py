"""What deploy/ has works where it is put: units, crontab, Dockerfile, and the script they share."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.e2e.command import PROJECT, TIMEOUT_S
from tests.e2e.machine import Machine, blocks
from tests.pictures import exhibits
from tests.postgresql import postgresql
from tests.standin.sources import BingStandIn
from wallpapers.settings import WALLPAPERS_SHUTDOWN_TIMEOUT

DEPLOY = PROJECT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "compose.yaml")
USER = 10001


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with BingStandIn(exhibits(2)) as standin:
        yield Machine(tmp_path, standin)


# systemd


@pytest.mark.system("systemd-analyze", "/lib/systemd/system", package="systemd")
def test_the_units_are_valid(machine: Machine) -> None:
    machine.install()
    system = machine.folder / "lib/systemd/system"
    shutil.copytree("/lib/systemd/system", system, symlinks=True)
    for unit in UNITS:
        shutil.copy(unit, system)
    shutil.copy("/bin/sh", machine.folder / "bin")
    names = " ".join(unit.name.replace("@", "@bing") for unit in UNITS)
    verify = f"systemd-analyze verify --man=no --root={machine.folder} {names}"
    done = machine.try_to_run(verify)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def setting(unit: str, name: str) -> str:
    """Return the value of a setting in a unit."""
    (found,) = re.findall(rf"^{name}=(.*)$", (DEPLOY / "systemd" / unit).read_text(), re.MULTILINE)
    return str(found)


def test_systemd_and_docker_wait_for_the_end_of_a_run() -> None:
    grace = COMPOSE["services"]["crawler"]["stop_grace_period"]
    for seconds in (setting("wallpapers@.service", "TimeoutStopSec"), grace.removesuffix("s")):
        assert int(seconds) > WALLPAPERS_SHUTDOWN_TIMEOUT


@pytest.mark.system("systemctl", package="systemd")
@pytest.mark.slow
def test_the_commands_of_the_page_set_up_a_crawl(machine: Machine) -> None:
    """Without a systemd that runs: ``enable`` makes links, the rest is left out."""
    (commands,) = blocks("### systemd")
    machine.add_program("useradd", "#!/bin/sh\n")
    machine.add_program("systemctl", SYSTEMCTL.replace("{root}", str(machine.folder)))
    (machine.folder / "etc/systemd/system").mkdir(parents=True)
    install = commands.splitlines()[0]
    assert install.startswith("deploy/install.sh ")  # run below
    machine.run(commands.replace(install, ""), cwd=PROJECT)
    machine.install()
    wanted = machine.folder / "etc/systemd/system/timers.target.wants/wallpapers@bing.timer"
    assert wanted.is_symlink()
    configuration = machine.folder / setting("wallpapers@.service", "EnvironmentFile")[1:]
    _, crawl = configuration.with_name("bing.conf").read_text().split("=", 1)
    start = setting("wallpapers@.service", "ExecStart").replace("$CRAWL", crawl)
    machine.run(start.replace("=5G", "=1M"))
    assert (machine.home / "bing.jsonl").read_text().count("\n") == 2


SYSTEMCTL = """#!/bin/sh
[ "$1" = enable ] || exit 0
exec /usr/bin/systemctl --root="{root}" enable "$3"
"""


def test_the_unit_for_failures_mails_the_log(machine: Machine) -> None:
    machine.add_program("journalctl", '#!/bin/sh\necho "log of $@"\n')
    machine.add_program("mail", '#!/bin/sh\necho "$@"; cat\n')
    command = setting("wallpapers-failed@.service", "ExecStart").replace("%H", "host")
    subject, log = machine.run(command.replace("%i", "bing")).splitlines()
    assert subject == "-s wallpapers: bing failed on host root"
    assert log == "log of --unit=wallpapers@bing.service --lines=50 --no-pager"


# cron


@pytest.mark.system("flock", package="util-linux")
def test_the_line_for_cron_prints_only_failures(machine: Machine) -> None:
    machine.install()
    line = (DEPLOY / "crontab").read_text().splitlines()[-1]
    assert "%" not in line  # cron would end the command there
    command = line.split(maxsplit=5)[5]
    assert machine.run(command) == ""
    some_fail = command.replace(" -s ", " -s WALLPAPERS_MAX_PIXELS=100 -s IMAGES_STORE=other -s ")
    assert machine.run(some_fail) == ""
    printed = machine.run(command.replace(" -s ", " -a nonsense=1 -s "))
    assert "unknown argument 'nonsense'" in printed.splitlines()[-1]
    (machine.home / "bing.log").unlink()
    twice = machine.try_to_run(f"flock bing.lock sh -c {command!r}")
    assert "bing.log" in twice.stderr  # there is no log: it did not start
    assert not (machine.home / "bing.log").exists()


# Docker


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp(prefix="wallpapers-deploy-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.system("/usr/bin/python3", package="python3-venv")
def test_the_steps_of_the_dockerfile_install_a_program_for_any_user(open_folder: Path) -> None:
    """Without a Docker engine: its RUN lines as a script, then the program as its user."""
    machine, source = Machine(open_folder), copy_of_context(open_folder / "src")
    data = machine.folder / "data"
    steps = "\n".join(instructions("RUN"))
    steps = steps.replace("/src/", f"{source}/").replace(" /data", f" {data}")
    is_root = os.getuid() == 0
    if not is_root:  # then the folder cannot be given away
        steps = steps.replace(f"--owner {USER} --group {USER} ", "")
    machine.run(steps, PYTHON="/usr/bin/python3", PYTHONPATH="")
    assert instructions("USER") == [f"{USER}:{USER}"]
    assert instructions("ENTRYPOINT") == ['["wallpapers"]']
    as_user: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []}
    done = subprocess.run(
        [str(machine.folder / "opt/wallpapers/bin/wallpapers"), "demo"],
        cwd=data,
        env={"HOME": str(data), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
        **(as_user if is_root else {}),
    )
    assert done.returncode == 0, done.stderr
    assert "outcome: complete" in done.stderr
    check_update(machine, source)


def check_update(machine: Machine, source: Path) -> None:
    """Assert that the commands of the page bring a new version into the same environment."""
    (commands,) = blocks("## Update")
    git = "git -c user.name=a -c user.email=a@a.test -c init.defaultBranch=main"
    machine.run(f"{git} init -q && {git} add . && {git} commit -qm 1", cwd=source)
    clone = source.with_name("clone")
    machine.run(f"{git} clone -q {source} {clone}")
    version = source / "wallpapers/__init__.py"
    version.write_text(re.sub(r'"[\d.]+"', '"99.1"', version.read_text()))
    machine.run(f"{git} commit -qam 2", cwd=source)
    machine.add_program("systemctl", "#!/bin/sh\n")
    machine.run(commands, cwd=clone, PYTHON="/usr/bin/python3", PYTHONPATH="")
    version_of = machine.run("/opt/wallpapers/bin/wallpapers --version", PYTHONPATH="")
    assert version_of == "wallpapers 99.1\n"


def copy_of_context(target: Path) -> Path:
    """Copy what the .dockerignore lets through."""
    target.mkdir()
    for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines():
        if not line.startswith("!"):
            continue
        path = PROJECT / line[1:]
        if path.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(path, target / line[1:], ignore=ignored)
        else:
            (target / line[1:]).parent.mkdir(exist_ok=True)
            shutil.copy(path, target / line[1:])
    return target


def test_the_image_has_one_volume_and_no_root() -> None:
    assert instructions("VOLUME") == instructions("WORKDIR") == ["/data"]
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert last.index("\nUSER ") > last.rindex("\nRUN ")


# Compose


def test_the_command_of_compose_crawls_into_postgresql(machine: Machine) -> None:
    """With another address of the server: its name is one of Docker's network."""
    crawler = COMPOSE["services"]["crawler"]
    assert crawler["build"] == {"context": "..", "dockerfile": "deploy/Dockerfile"}
    assert crawler["volumes"] == ["data:/data"]
    assert set(COMPOSE["volumes"]) == {"data", "catalogue"}
    with postgresql() as server:
        address = server.new_database()
        there = "postgresql://wallpapers@catalogue/wallpapers"
        words = " ".join(f"'{word}'" for word in crawler["command"])
        assert there in words
        machine.run(f"wallpapers {words.replace(there, address)}")
        shown = machine.run(f"wallpapers stats --runs -s 'WALLPAPERS_CATALOGUE={address}'")
    assert " 0 complete " in shown
