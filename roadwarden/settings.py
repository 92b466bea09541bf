"""Strict settings: unknown keys are errors, and the environment is read here only."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ValidationError

from roadwarden.errors import ConfigError, OutputError

Model = TypeVar("Model", bound=BaseModel)

LOCAL_REGISTRY = "sqlite:///var/mlflow.db"
REGISTRY_VARIABLES = ("ROADWARDEN_REGISTRY", "MLFLOW_TRACKING_URI")
REGISTRY_CACHE_VARIABLE = "ROADWARDEN_REGISTRY_CACHE"
LOCAL_DATABASE = "sqlite:///var/roadwarden.db"
DATABASE_VARIABLE = "ROADWARDEN_DATABASE"
DESTINATIONS_VARIABLE = "ROADWARDEN_DESTINATIONS"
LOCAL_BLOBS = "var/blobs"
BLOBS_VARIABLE = "ROADWARDEN_BLOBS"
PARTNERS_VARIABLE = "ROADWARDEN_PARTNERS"
SIGN_ON_VARIABLE = "ROADWARDEN_SIGN_ON"
ZONE_VARIABLE = "ROADWARDEN_ZONE"
TABLES_VARIABLE = "ROADWARDEN_TABLES"
SERVE_VARIABLE = "ROADWARDEN_SERVE"
TENSORRT_VARIABLE = "ROADWARDEN_TENSORRT"
DRIFT_VARIABLE = "ROADWARDEN_DRIFT"
REVIEW_VARIABLE = "ROADWARDEN_REVIEW"
BASEMAP_VARIABLE = "ROADWARDEN_BASEMAP"
LOCAL_DRIFT = "var/drift/drift.json"
HOME_ZONE = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Variable:
    """One that people set in the environment."""

    name: str
    what: str
    otherwise: str  # what holds where it is not set


ENVIRONMENT = (
    Variable(DATABASE_VARIABLE, "URL of the database; `--database` comes before it", LOCAL_DATABASE),
    Variable(BLOBS_VARIABLE, "where pictures of evidence are kept: a folder, or an fsspec URL", LOCAL_BLOBS),
    Variable(ZONE_VARIABLE, "time zone that people are shown times in", HOME_ZONE),
    Variable(TABLES_VARIABLE, "folder of a city's own tables; one that is not there is as we ship it", "ours"),
    Variable(DESTINATIONS_VARIABLE, "file of destinations: who is told of cases and warnings", "nobody is told"),
    Variable(PARTNERS_VARIABLE, "folder of files of other systems that talk with us", "none"),
    Variable(SIGN_ON_VARIABLE, "file of the login server that vouches for people", "passwords only"),
    Variable(REVIEW_VARIABLE, "folder of `roadwarden review export`: its frames wait in the cockpit", "no queue"),
    Variable(BASEMAP_VARIABLE, "PMTiles file that the map is drawn on", "no basemap"),
    Variable(DRIFT_VARIABLE, "report of `roadwarden eval drift` that the proof page shows", LOCAL_DRIFT),
    Variable(REGISTRY_VARIABLES[0], f"model registry, before {REGISTRY_VARIABLES[1]}", LOCAL_REGISTRY),
    Variable(REGISTRY_VARIABLES[1], "the same, as MLflow names it", LOCAL_REGISTRY),
    Variable(REGISTRY_CACHE_VARIABLE, "where models from the registry are kept", "var/registry-cache"),
    Variable(TENSORRT_VARIABLE, "`true`: use a graphics card through TensorRT", "CUDA"),
)
"""Everything that is read from the environment, but what we tell processes of our own and secrets that files name."""

MLFLOW_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # a city's registry does not report to MLflow's makers
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # MLflow's 7 with doubling pauses keep a dead server's caller for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""MLflow takes these from the environment only; what the user has set stays."""
RAY_DEFAULTS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
}


def registry_uri() -> str:
    """Where models are registered and runs logged: the first variable that is set, or a file below var/."""
    named = (os.environ.get(variable) for variable in REGISTRY_VARIABLES)
    return next((uri for uri in named if uri), LOCAL_REGISTRY)


def registry_cache() -> Path:
    """Where models from the registry are kept, named by their sha256."""
    return Path(os.environ.get(REGISTRY_CACHE_VARIABLE) or "var/registry-cache")


def database_url() -> str:
    """Where sightings and defects are kept: the variable, or a file below var/."""
    return os.environ.get(DATABASE_VARIABLE) or LOCAL_DATABASE


def review_folder() -> Path | None:
    """The folder of ``roadwarden review export`` whose frames people label in the cockpit; None: they do not."""
    folder = os.environ.get(REVIEW_VARIABLE)
    return Path(folder) if folder else None


def basemap_file() -> Path | None:
    """The PMTiles file that the map is drawn on; None: on the roads alone."""
    file = os.environ.get(BASEMAP_VARIABLE)
    return Path(file) if file else None


def drift_file() -> Path:
    """The newest report of ``roadwarden eval drift``, which the proof page shows."""
    return Path(os.environ.get(DRIFT_VARIABLE) or LOCAL_DRIFT)


def blobs_url() -> str:
    """Where pictures of evidence are kept: the variable (a folder, or an fsspec URL), or a folder below var/."""
    return os.environ.get(BLOBS_VARIABLE) or LOCAL_BLOBS


def wants_tensorrt() -> bool:
    """Whether a graphics card is to be used through TensorRT: faster, after minutes of building an engine."""
    return os.environ.get(TENSORRT_VARIABLE, "").lower() in {"1", "true", "yes"}


def destinations_file() -> Path | None:
    """Where warnings and events of cases go to: the file that the variable names."""
    named = os.environ.get(DESTINATIONS_VARIABLE)
    return Path(named) if named else None


def partners_folder() -> Path | None:
    """Where the files of other systems lie that talk with us: the folder that the variable names."""
    named = os.environ.get(PARTNERS_VARIABLE)
    return Path(named) if named else None


def sign_on_file() -> Path | None:
    """Which login server vouches for people: the file that the variable names."""
    named = os.environ.get(SIGN_ON_VARIABLE)
    return Path(named) if named else None


def city_table(name: str) -> Path | None:
    """A city's own table of that name, in the folder that the variable names; None where it has none.

    Raises ConfigError for a folder that is not there.
    """
    folder = os.environ.get(TABLES_VARIABLE)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise ConfigError(f"{TABLES_VARIABLE}: {folder} is no folder; name the one that holds the city's tables")
    file = Path(folder) / name
    return file if file.is_file() else None


def served() -> str:
    """How ``roadwarden serve`` was called, as JSON, for the processes that it starts; empty elsewhere."""
    return os.environ.get(SERVE_VARIABLE, "")


def tell_workers(told: str, database: str) -> None:
    """What those processes find, and the database with its password, which a command line would show."""
    os.environ[SERVE_VARIABLE], os.environ[DATABASE_VARIABLE] = told, database


def time_zone() -> ZoneInfo:
    """The zone that people are shown times in; raises ConfigError for one that nobody knows."""
    name = os.environ.get(ZONE_VARIABLE) or HOME_ZONE
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise ConfigError(f"{ZONE_VARIABLE}: '{name}' is no time zone; write one such as {HOME_ZONE}") from exc


def read_secret(env: str | None, file: Path | None) -> str:
    """A secret from an environment variable or a file; raises ConfigError where it is missing, without showing it."""
    if env is not None:
        value, place = os.environ.get(env, ""), f"environment variable {env}"
    else:
        place = str(file)
        try:
            value = Path(place).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"{place}: the secret cannot be read: {type(exc).__name__}") from exc
    if not value:
        raise ConfigError(f"{place} is to hold a secret and is empty")
    return value


def write_secret(path: Path, secret: str) -> None:
    """A file that only we may read; raises OutputError where one is there already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise OutputError(f"{path} is there already; name another file, secrets are not written over") from exc
    except OSError as exc:
        raise OutputError(f"{path}: cannot be written: {exc.strerror or exc}") from exc
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{secret}\n")


def set_mlflow_defaults() -> None:
    """Before MLflow is imported: no telemetry, and a server that is away is told in seconds."""
    for variable, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(variable, value)


def set_ray_defaults() -> None:
    """Before Ray is imported: a city's cluster does not report to Ray's makers."""
    for variable, value in RAY_DEFAULTS.items():
        os.environ.setdefault(variable, value)


def read_strict_yaml(path: Path, schema: type[Model]) -> Model:
    """Reads one YAML file into ``schema``; raises ConfigError that lists every fault, with a suggestion for typos."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigError(f"{path}: cannot be read as YAML: {exc}") from exc
    try:
        return schema.model_validate(content)
    except ValidationError as exc:
        raise ConfigError(f"{path}: " + "; ".join(faults_of(exc, schema))) from exc


def faults_of(exc: ValidationError, schema: type[BaseModel]) -> list[str]:
    """Each fault in words, with a suggestion for typos."""
    return [_explain(fault["loc"], fault["type"], fault["msg"], schema) for fault in exc.errors()]


def read_shipped_table(name: str, schema: type[Model]) -> Model:
    """A table below ``roadwarden/tables`` that comes with the package."""
    with resources.as_file(resources.files("roadwarden") / "tables" / name) as path:
        return read_strict_yaml(path, schema)


def _explain(place: tuple[int | str, ...], kind: str, message: str, schema: type[BaseModel]) -> str:
    name = ".".join(str(part) for part in place)
    if kind != "extra_forbidden":
        return f"{name or 'file'}: {message}"
    near = difflib.get_close_matches(str(place[-1]), _keys_at(place[:-1], schema), n=1)
    return f"unknown key '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")


def _keys_at(place: tuple[int | str, ...], schema: type[BaseModel]) -> list[str]:
    """The keys that are known at a place inside the file; pydantic names the tag of a union on the way there."""
    models = [schema]
    for part in place:
        inside = [one for model in models if part in model.model_fields for one in _models_of(model, str(part))]
        tagged = [model for model in models if any(part in get_args(f.annotation) for f in model.model_fields.values())]
        models = inside or tagged or models
    return sorted({key for model in models for key in model.model_fields})


def _models_of(model: type[BaseModel], key: str) -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    waiting: list[Any] = [model.model_fields[key].annotation]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            found.append(one)
        waiting += get_args(one)
    return found
