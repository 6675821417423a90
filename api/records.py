"""What the API sends, as pydantic models: the JSON of ARCHITECTURE.md, and the source of the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from storage.alerts import MediaState


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore")


class CameraName(_Record):
    camera_id: str
    name: str
    place: str = Field("", description="Where it stands, in words.")
    latitude: float | None = None
    longitude: float | None = None


class AlertEntry(_Record):
    """The hotlist entry that was met, as it stood when the alert was raised."""

    entry_id: str
    plate: str = Field(description="0-9 A-Z; `?` stands for any one character, `*` for any run of them.")
    category: str
    note: str = ""
    hotlist: str = Field("", description="Name of the list.")
    legal_basis: str | None = Field(None, description="The document's number.")
    valid_until: datetime | None = None
    authority: str = Field("", description="Who issued the document.")
    instructions: str = Field("", description="What the operator is to do.")
    risk: str = Field("", description="What whoever stops the vehicle must know.")
    vehicle: dict[str, str] = Field({}, description="`make`, `colour` and `type` by the entry, to check by.")
    priority: int | None = Field(None, description="Of its category; 1 is the most urgent.")
    colour: str | None = Field(None, description="Of its category, `#rrggbb`.")


class PictureState(_Record):
    state: MediaState
    kinds: list[Literal["plate", "vehicle"]] = Field([], description="`vehicle` is at `/picture`, `plate` at `/plate`.")


class ClipState(_Record):
    state: MediaState
    duration_s: float | None = None
    codec: str | None = None
    mime: str | None = Field(None, description="Type with codecs, for `canPlayType`.")
    reason: str | None = None


class Sighting(_Record):
    """One pass of the vehicle that an alert tells of."""

    camera_id: str
    name: str = Field(description="The camera's.")
    pass_id: str
    seen_at: datetime
    score: float


class Alert(_Record):
    """A hit put before operators."""

    alert_id: str
    camera: CameraName
    pass_id: str
    text: str = Field(description="The plate as it was read.")
    characters: list[float] = Field(description="Probability of each character of `text`.")
    read_score: float | None = Field(None, description="Probability that `text` is right in every character.")
    score: float = Field(description="Probability that the vehicle carries the entry's plate.")
    kind: Literal["exact", "probable"]
    entry: AlertEntry
    country: str | None = None
    format: str | None = None
    lines: int = 1
    vehicle_type: str | None = None
    seen_at: datetime | None = None
    camera_at: datetime | None = Field(None, description="The same moment by the camera's own clock, if it tells one.")
    skew_s: float | None = Field(None, description="The camera's clock minus ours, as estimated then.")
    last_seen_at: datetime | None = None
    raised_at: datetime
    updated_at: datetime | None = None
    sightings: int = 1
    state: str = "new"
    before_entry: bool = Field(False, description="Seen before the entry went live, found in the reads still kept.")
    picture: PictureState
    clip: ClipState
    sighted: list[Sighting] = Field(default=[], description="The latest sightings, at most 20, newest first.")


class AlertPage(_Record):
    """Alerts newest first, and the way to the older ones."""

    alerts: list[Alert]
    next: str | None = Field(description="Give it as `before` to get the next, older page; null at the end.")
    cursor: int = Field(description="Follow `/events` from here and nothing after this page is missed.")


class HealthReason(_Record):
    """One thing wrong with a camera."""

    code: str = Field(description="`black`, `blurred`, `fps_low`, `login_failed`...: docs/cameras.md has them all.")
    severity: float = Field(description="0 (barely) to 1 (at its worst).")
    points: int = Field(description="What it takes of the score's 100.")
    measured: float | str | None = None
    required: float | str | None = None
    unit: str = ""
    detail: str = ""
    way_out: str = ""
    since: datetime


class HealthFigures(_Record):
    """What was measured of a camera's stream; what could not be told is null."""

    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate_bps: float | None = None
    keyframe_interval_s: float | None = None
    lost_share: float | None = None
    skew_s: float | None = Field(None, description="The camera's clock minus ours.")
    plate_px: float | None = Field(None, description="Median width of plates in their best frames.")


class CameraStatus(CameraName):
    """A camera and how it is, without anything of its address."""

    state: str
    reason: str | None = None
    since: datetime | None = None
    score: int | None = Field(None, description="0-100: health, 100 the best; null until it was watched for a while.")
    reasons: list[HealthReason] = Field([], description="What is wrong with it, worst first.")
    judged_at: datetime | None = Field(None, description="When its health was last told.")


class CameraList(_Record):
    cameras: list[CameraStatus]


class HealthSample(_Record):
    """A camera's health at one moment."""

    at: datetime
    score: int
    reasons: list[HealthReason]
    measured: HealthFigures


class CameraHealth(_Record):
    """A camera's health now, and its history newest first."""

    camera_id: str
    now: HealthSample | None = Field(description="null until the camera was watched for a while.")
    history: list[HealthSample]


class StoreHealth(_Record):
    state: Literal["up", "down"]
    detail: str | None = None


class StreamHealth(_Record):
    live: bool
    since: datetime
    reason: str | None = None


class Health(_Record):
    """How the API and its stores are. `degraded`: it answers, but a store is away."""

    state: Literal["up", "degraded"]
    version: str
    database: StoreHealth
    archive: StoreHealth
    events: StreamHealth
