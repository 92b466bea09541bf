"""A worker as ``roadwarden stream run`` starts it, whose model follows a file instead of a registry.

``python -m roadwarden.eval.chaos.worker CONFIG.yaml MODEL.txt``: the text file names the model's file.
"""

from __future__ import annotations

import logging
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from roadwarden.cases.permissions import shipped_permissions
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.errors import RegistryAway
from roadwarden.inference.stream.config import read_config
from roadwarden.inference.stream.logs import set_up
from roadwarden.inference.stream.model_slot import ModelSlot, load_model
from roadwarden.inference.stream.opening import open_patiently
from roadwarden.inference.stream.report import holding
from roadwarden.inference.stream.swap import AliasFollower, Standing
from roadwarden.inference.stream.worker import Parts, Shape, Worker
from roadwarden.models.onnx import sha256_of
from roadwarden.service.cases import CaseDesk


@dataclass(frozen=True, slots=True)
class FileAlias:
    """A ``Registry``: what stands in a file."""

    place: Path

    def path(self) -> Path:
        """Of the model that is wanted now. Raises RegistryAway."""
        try:
            return Path(self.place.read_text(encoding="utf-8").strip())
        except OSError as exc:
            raise RegistryAway(f"{self.place}: {exc.strerror}") from exc

    def standing(self) -> Standing:
        """Its hash is its version."""
        sha256 = sha256_of(self.path())
        return Standing(int(sha256[:8], 16), sha256)

    def fetch(self, standing: Standing) -> Path:
        """It is here already."""
        return self.path()


def main(config: Path, alias_file: Path) -> None:
    """Until SIGTERM."""
    set_up(as_json=False, level=logging.WARNING)
    settings = read_config(config)
    engine = open_patiently(settings.database.get_secret_value() if settings.database else "")
    shape, alias = Shape.of(settings), FileAlias(alias_file)
    slot = ModelSlot(load_model(alias.path(), shape.lanes, shape.threads))
    follower = AliasFollower(alias, slot, lambda path: load_model(path, shape.lanes, shape.threads), lambda: None)
    desk = CaseDesk(engine, shipped_clock_policies(), shipped_permissions())
    with holding(settings.state):
        worker = Worker(settings, Parts(engine, slot, desk, follower=follower))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        worker.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
