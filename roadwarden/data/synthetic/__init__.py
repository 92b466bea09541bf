"""The synthetic street: road frames whose truth is known exactly."""

from roadwarden.data.synthetic.archive import TrueBox, Visit, scene_of, street_for, true_boxes, write_sample_archive
from roadwarden.data.synthetic.camera import Camera
from roadwarden.data.synthetic.drive import Drive, Pose, place_of
from roadwarden.data.synthetic.street import PlacedDefect, Repair, Street, make_street

__all__ = [
    "Camera",
    "Drive",
    "PlacedDefect",
    "Pose",
    "Repair",
    "Street",
    "TrueBox",
    "Visit",
    "make_street",
    "place_of",
    "scene_of",
    "street_for",
    "true_boxes",
    "write_sample_archive",
]
