"""Stand-in until the tables land in the next commit."""
from enum import StrEnum
class DistressType(StrEnum):
    LONGITUDINAL_CRACK = "longitudinal_crack"
    TRANSVERSE_CRACK = "transverse_crack"
    ALLIGATOR_CRACK = "alligator_crack"
    POTHOLE = "pothole"
    PATCH = "patch"
def from_rdd(code):
    return {"D00": DistressType.LONGITUDINAL_CRACK, "D10": DistressType.TRANSVERSE_CRACK, "D20": DistressType.ALLIGATOR_CRACK, "D40": DistressType.POTHOLE, "Repair": DistressType.PATCH}.get(code)
