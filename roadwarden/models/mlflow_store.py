"""MLflow behind a few typed methods: versions with files and tags, aliases, and the lines of the history.

Importing this module does not import MLflow. The lines are the parameters of one run: MLflow refuses to change a
parameter once it is logged, so of two writers who both want entry 17 the second is told so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from roadwarden.errors import ConfigError, MissingExtra, ModelError, RegistryAway, RoadwardenError
from roadwarden.settings import LOCAL_REGISTRY, set_mlflow_defaults

VERSIONS_EXPERIMENT = "roadwarden-registry"
HISTORY_EXPERIMENT = "roadwarden-registry-history"
FOLDER = "model"
"""Where a version's files lie in the artefacts of its run."""
NAME_TAG = "roadwarden.model"
HEAD_TAG = "roadwarden.history_head"
SQLITE = "sqlite:///"
DATABASES = {"sqlite", "postgresql", "mysql", "mssql"}
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class AlreadyTaken(ConfigError):
    """Somebody else has written the entry with this number."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version as MLflow keeps it."""

    name: str
    number: int
    run_id: str
    created_at: datetime
    tags: Mapping[str, str]


class MlflowStore:
    """One MLflow, local or remote; every method raises RegistryAway where it does not answer."""

    def __init__(self, uri: str) -> None:
        """Raises MissingExtra without MLflow, ConfigError for a URI that it does not take."""
        self.uri = uri
        self._client = open_client(uri)

    @classmethod
    def existing(cls, uri: str) -> Self:
        """For reading: raises RegistryAway where a local database is not there, and does not make one."""
        if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_file():
            raise RegistryAway(f"{uri}: no such database; does --registry or ROADWARDEN_REGISTRY name the right one?")
        return cls(uri)

    def add(self, name: str, folder: Path, tags: Mapping[str, str], title: str) -> int:
        """Registers the files of ``folder``; they are all there before the version is."""
        with answering(self.uri):
            self._ensure_name(name)
            experiment = experiment_id(self._client, self.uri, VERSIONS_EXPERIMENT)
            run = self._client.create_run(experiment, run_name=title, tags=dict(tags))
            self._client.log_artifacts(run.info.run_id, str(folder), FOLDER)
            self._client.set_terminated(run.info.run_id)
            source = f"{run.info.artifact_uri}/{FOLDER}"
            made = self._client.create_model_version(name, source, run_id=run.info.run_id, tags=dict(tags))
        return int(made.version)

    def version(self, name: str, number: int) -> StoredVersion:
        """Raises ConfigError where there is none with this number."""
        with answering(self.uri):
            return _stored(self._client.get_model_version(name, str(number)))

    def versions(self, name: str) -> tuple[StoredVersion, ...]:
        """All of them, oldest first."""
        with answering(self.uri):
            found: list[Any] = []
            token = None
            while token != "":
                page = self._client.search_model_versions(f"name = '{name}'", page_token=token)
                found.extend(page)
                token = page.token or ""
        return tuple(sorted((_stored(version) for version in found), key=lambda version: version.number))

    def aliases(self, name: str) -> dict[str, int]:
        """Alias to version; empty where nothing of this name is registered."""
        with answering(self.uri):
            model = self._registered(name)
            return {alias: int(number) for alias, number in model.aliases.items()} if model else {}

    def set_alias(self, name: str, alias: str, number: int) -> None:
        """Moves the alias; what MLflow then forgets is kept in the history."""
        with answering(self.uri):
            self._client.set_registered_model_alias(name, alias, str(number))

    def download(self, version: StoredVersion, file: str, to: Path) -> Path:
        """A copy of one file of a version, below the folder ``to``; raises ModelError where it has none such."""
        try:
            with answering(self.uri):
                return Path(self._client.download_artifacts(version.run_id, f"{FOLDER}/{file}", str(to)))
        except ConfigError as exc:
            raise ModelError(f"{version.name} version {version.number} has no file '{file}': {exc}") from exc

    def lines(self, name: str) -> dict[int, str]:
        """The history, by number; raises ModelError where there are two, or where it holds something else."""
        with answering(self.uri):
            runs = [run for run in self._history_runs(name) if run.data.params]
        if len(runs) > 1:
            raise ModelError(
                f"{name} has {len(runs)} histories (runs {', '.join(run.info.run_id for run in runs)} in experiment "
                f"'{HISTORY_EXPERIMENT}'): delete the one that is not ours"
            )
        params = {key: value for run in runs for key, value in run.data.params.items()}
        strange = sorted(key for key in params if not key.isdecimal())
        if strange:
            raise ModelError(f"the history of {name} holds what is no entry: {', '.join(strange)}")
        return {int(key): value for key, value in params.items()}

    def append(self, name: str, number: int, line: str) -> None:
        """Writes an entry; raises AlreadyTaken where another has been written under its number."""
        with answering(self.uri):
            runs = self._history_runs(name) or self._begin_history(name)
            try:
                self._client.log_param(runs[0].info.run_id, f"{number:06d}", line, synchronous=True)
            except _mlflow_exception() as exc:
                if exc.error_code != "INVALID_PARAMETER_VALUE":
                    raise
                raise AlreadyTaken(
                    f"somebody else has just written entry {number}: look at 'registry history --verify' and try again"
                ) from exc

    def head(self, name: str) -> tuple[int, str] | None:
        """Number and sha256 of the newest entry, as noted beside the model."""
        with answering(self.uri):
            model = self._registered(name)
            text = model.tags.get(HEAD_TAG) if model else None
        if not text:
            return None
        number, _, sha256 = text.partition(" ")
        return (int(number) if number.isdecimal() else 0), sha256

    def note_head(self, name: str, number: int, sha256: str) -> None:
        """Notes the newest entry in a second place, so that a history cut at its end does not look whole."""
        with answering(self.uri):
            self._client.set_registered_model_tag(name, HEAD_TAG, f"{number} {sha256}")

    def _registered(self, name: str) -> Any:
        try:
            return self._client.get_registered_model(name)
        except _mlflow_exception() as exc:
            if exc.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    def _ensure_name(self, name: str) -> None:
        try:
            self._client.create_registered_model(name)
        except _mlflow_exception() as exc:
            if exc.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _history_runs(self, name: str) -> list[Any]:
        experiment = self._client.get_experiment_by_name(HISTORY_EXPERIMENT)
        if experiment is None:
            return []
        runs = self._client.search_runs([experiment.experiment_id], f"tags.`{NAME_TAG}` = '{name}'")
        return sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))

    def _begin_history(self, name: str) -> list[Any]:
        experiment = experiment_id(self._client, self.uri, HISTORY_EXPERIMENT)
        run = self._client.create_run(experiment, run_name=name, tags={NAME_TAG: name})
        self._client.set_terminated(run.info.run_id)
        return self._history_runs(name)


def open_client(uri: str) -> Any:
    """An MLflow client; makes the folder of a local database.

    Raises MissingExtra without MLflow, ConfigError for a folder: MLflow no longer takes one unless
    MLFLOW_ALLOW_FILE_STORE=true.
    """
    set_mlflow_defaults()
    scheme = urlsplit(uri).scheme
    try:
        from mlflow.tracking import MlflowClient, set_tracking_uri

        if scheme.partition("+")[0] in DATABASES:
            import sqlalchemy  # noqa: F401 -- mlflow-skinny comes without, and says then that it knows no such scheme
    except ImportError as exc:
        raise MissingExtra(f"the registry needs MLflow: pip install 'roadwarden[registry]' ({exc})") from exc
    if uri.startswith(SQLITE):
        database_folder(uri).mkdir(parents=True, exist_ok=True)
    folder = scheme in {"", "file"}
    if folder:
        # MLflow's folder registry opens a second client at the default place, and would make a database there.
        set_tracking_uri(uri)
    try:
        with answering(uri):
            return MlflowClient(tracking_uri=uri, registry_uri=uri)
    except (RegistryAway, ConfigError) as exc:
        if folder:
            raise ConfigError(f"{exc}. Use a database, such as {LOCAL_REGISTRY}") from exc
        raise


def experiment_id(client: Any, uri: str, name: str) -> str:
    """The experiment of this name, made where there is none; a local database keeps its files beside it."""
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        return str(experiment.experiment_id)
    place = (database_folder(uri) / "mlartifacts" / name).resolve().as_uri() if uri.startswith(SQLITE) else None
    try:
        return str(client.create_experiment(name, artifact_location=place))
    except _mlflow_exception() as exc:
        if exc.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return str(client.get_experiment_by_name(name).experiment_id)


def database_folder(uri: str) -> Path:
    """The folder of a ``sqlite:///`` file."""
    return Path(uri.removeprefix(SQLITE)).parent


def without_credentials(text: str) -> str:
    """The text with user names and passwords of URLs replaced by ***."""
    return _CREDENTIALS.sub("***@", text)


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """Turns MLflow's errors into ours: RegistryAway, or ConfigError where it answers that something is not there."""
    try:
        yield
    except RoadwardenError:
        raise
    except ImportError as exc:
        raise MissingExtra(f"{without_credentials(uri)}: pip install 'roadwarden[registry]' ({exc})") from exc
    except (OSError, _mlflow_exception(), _database_exception()) as exc:
        text = without_credentials(f"the registry at {uri}: {_first_line(exc)}")
        if getattr(exc, "error_code", "") in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise ConfigError(f"{text}; see 'roadwarden registry list'") from exc
        raise RegistryAway(f"{text}; is it running, and does --registry or ROADWARDEN_REGISTRY name it?") from exc


def _mlflow_exception() -> type[Any]:
    from mlflow.exceptions import MlflowException

    return MlflowException  # type: ignore[no-any-return]


def _database_exception() -> type[Any]:
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        return OSError
    return SQLAlchemyError


def _first_line(exc: Exception) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0][:300]


def _stored(version: Any) -> StoredVersion:
    return StoredVersion(
        name=str(version.name),
        number=int(version.version),
        run_id=str(version.run_id or ""),
        created_at=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
        tags=dict(version.tags),
    )
