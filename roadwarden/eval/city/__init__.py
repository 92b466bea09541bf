"""A city of vehicles, poles and people through the real services for weeks, with faults: does everything add up?"""
