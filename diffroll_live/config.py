"""The daemon's settings: defaults, overlaid by a TOML file, overlaid by command-line flags. Opens no other file."""

from __future__ import annotations

import difflib
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from diffroll_live.errors import FileError, FileMissing, RequestError
from diffroll_live.limits import CONFIG, DEVICE, METRICS_PORT, PANEL_PORT, PORT


def _home() -> Path | None:
    """The user's home folder; None where there is none, or it would be the whole disk (as with an empty HOME)."""
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and a user who is not in passwd
        return None
    return home if home.is_absolute() and home != Path(home.anchor) else None


def _default_folders() -> tuple[Path, ...]:
    home = _home()
    return (*([home] if home else []), Path(tempfile.gettempdir()))


def _expanded(path: str | Path) -> Path:
    """Put the home folder in place of ``~``. Raises RequestError where there is none."""
    if str(path).split("/")[0] == "~" and _home() is None:
        raise RequestError(f"There is no home folder for {path}; write the whole path.")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise RequestError(f"There is no home folder for {path}; write the whole path.") from error


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Where the daemon listens, and its limits."""

    host: str = "127.0.0.1"
    port: int = PORT.default  # UDP and TCP; 0 lets the system choose
    max_datagram: int = 1024  # bytes of a datagram to a client that has not allowed more
    receive_buffer_bytes: int = 8 << 20  # for UDP; the system may grant less
    max_packet_bytes: int = 2 << 20  # of one OSC packet over TCP
    max_clients: int = 64
    max_buffers: int = 32  # of one client
    max_buffer_seconds: float = 1800.0  # of one buffer
    max_total_bytes: int = 2 << 30  # of the buffers of all clients
    max_live: int = 4  # live inputs, of all clients
    live_seconds: float = 120.0  # kept of a live input, for jobs
    max_jobs_kept: int = 64  # of one client
    queue_size: int = 64  # waiting jobs, of all clients
    buffer_timeout_s: float = 30.0  # without a chunk, until an open buffer is dropped
    client_timeout_s: float = 3600.0  # without a message, until a client over UDP is forgotten
    allowed_folders: tuple[Path, ...] = field(default_factory=_default_folders)  # where clients may read and write
    spool: str = (
        ""  # folder for scripts without sockets; empty is .diffroll-live/spool in the home folder, "none" is none
    )

    def __post_init__(self) -> None:
        _check("server", self)

    @property
    def spool_folder(self) -> Path | None:
        """The spool's folder, if there is to be one."""
        if self.spool == "none":
            return None
        if self.spool:
            return _expanded(self.spool)
        home = _home()
        return home / ".diffroll-live" / "spool" if home else None


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Which model runs, and on which device."""

    model: str = ""  # a folder of models/; empty is the default one
    device: str = DEVICE.default
    threads: int = 0  # of the CPU; 0 leaves the number to measurement
    precision: str = "auto"  # of arithmetic; auto is bf16 where the device multiplies it natively
    address: str = ""  # ray://HOST:PORT of a cluster that computes; empty is this machine

    def __post_init__(self) -> None:
        _check("engine", self)


@dataclass(frozen=True, slots=True)
class MidiConfig:
    """Where the notes are played."""

    api: str = "auto"
    port: str = ""  # an existing port's name; empty opens a virtual one
    client_name: str = "diffroll-live"
    port_name: str = "notes"  # of the virtual port

    def __post_init__(self) -> None:
        _check("midi", self)


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """Where the DAW's time comes from."""

    source: str = "osc"
    midi_port: str = ""  # for midi-clock and mtc, an existing input port's name; empty opens a virtual one
    port_name: str = "transport"  # of the virtual port

    def __post_init__(self) -> None:
        _check("transport", self)


@dataclass(frozen=True, slots=True)
class PanelConfig:
    """Where the panel is served in a browser."""

    host: str = "127.0.0.1"
    port: int = PANEL_PORT.default  # 0 lets the system choose
    serve: str = "on"

    def __post_init__(self) -> None:
        _check("panel", self)


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """Where Prometheus finds the daemon's numbers."""

    host: str = "127.0.0.1"
    port: int = METRICS_PORT.default  # 0 lets the system choose
    serve: str = "off"

    def __post_init__(self) -> None:
        _check("metrics", self)


@dataclass(frozen=True, slots=True)
class DiscoveryConfig:
    """Who finds the daemon by OSCQuery and mDNS."""

    reach: str = "auto"  # off, machine or network; auto is machine where the extra discovery is installed
    port: int = 0  # of OSCQuery; 0 lets the system choose, as mDNS tells it

    def __post_init__(self) -> None:
        _check("discovery", self)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    server: ServerConfig = field(default_factory=ServerConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    midi: MidiConfig = field(default_factory=MidiConfig)
    transport: TransportConfig = field(default_factory=TransportConfig)
    panel: PanelConfig = field(default_factory=PanelConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    discovery: DiscoveryConfig = field(default_factory=DiscoveryConfig)


_SECTIONS: dict[str, type[Any]] = {
    "server": ServerConfig,
    "engine": EngineConfig,
    "midi": MidiConfig,
    "transport": TransportConfig,
    "panel": PanelConfig,
    "metrics": MetricsConfig,
    "discovery": DiscoveryConfig,
}


def load_config(path: Path | None = None, flags: Mapping[str, Any] | None = None) -> Config:
    """Read a configuration. ``flags`` maps ``section.key`` to a value; a value of None was not given.

    Raises errors.RequestError that names the wrong key or value, errors.FileMissing or FileError for ``path``.
    """
    values: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    for section, table in (_read_toml(path) if path else {}).items():
        if not isinstance(table, dict):
            raise RequestError(f"'{section}' stands outside a section; put it under {_listed(_SECTIONS)}.")
        _known(section, _SECTIONS, "section")
        values[section].update(table)
    for flag, value in (flags or {}).items():
        section, _, key = flag.partition(".")
        if value is not None:
            values[_known(section, _SECTIONS, "section")][key] = value
    return Config(**{section: _make(section, table) for section, table in values.items()})


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise FileMissing(f"The configuration file {path} does not exist.") from error
    except OSError as error:
        raise FileError(f"The configuration file {path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RequestError(f"The configuration file {path} cannot be read: {error}.") from error


def _make(section: str, table: Mapping[str, Any]) -> Any:
    kind = _SECTIONS[section]
    hints = get_type_hints(kind)
    names = [item.name for item in fields(kind)]
    values = {_known(key, names, f"key of {section}"): _fit(section, key, hints.get(key), table[key]) for key in table}
    return kind(**values)


def _known(name: str, names: Iterable[str], what: str) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    raise RequestError(f"'{name}' is no {what}; did you mean '{near[0]}'?")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"[{name}]" for name in names)


def _fit(section: str, key: str, kind: Any, value: Any) -> Any:
    """Take a TOML value as the field's type; a bool is no number here."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind == tuple[Path, ...] and isinstance(value, list | tuple):
        if all(isinstance(item, str | Path) for item in value):
            return tuple(_expanded(item) for item in value)
    elif kind in (int, float, str) and type(value) is kind:
        return value
    expected = "a list of folders" if kind == tuple[Path, ...] else f"of type {getattr(kind, '__name__', kind)}"
    raise RequestError(f"{section}.{key} must be {expected}, not {value!r}.")


def _check(section: str, config: Any) -> None:
    for item in fields(config):
        name = f"{section}.{item.name}"
        if name in CONFIG:
            try:
                CONFIG[name].check(getattr(config, item.name))
            except RequestError as error:
                raise RequestError(f"{name} {error.text}.") from error
