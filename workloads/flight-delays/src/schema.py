"""The columns of this workload, named once: every script reads them from here."""

from typing import Final

KEY: Final = "flight_id"
EVENT_TIME: Final = "event_time"
LABEL: Final = "late"

CATEGORICAL: Final = ("carrier", "origin", "dest")
"""Features whose values become codes; the model's metadata keeps the list of values it has learnt."""

FEATURES: Final = (
    "sched_dep_minutes", "day_of_week", "carrier", "origin", "dest", "distance",
    "temp", "humid", "wind_speed", "precip", "pressure", "visib",
)  # fmt: skip
"""In the order in which clients send them after the key."""
