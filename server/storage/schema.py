"""The tables. Whoever changes them raises VERSION and brings the migration that leads there from the version before."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

VERSION = 2
"""Recorded in the database, so that a later Sightline knows what it finds and an earlier one does not touch it."""

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("every", Integer, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("classes", Text),  # names as a JSON list
    Column("size_bytes", BigInteger, nullable=False),
    Column("width_px", Integer, nullable=False),
    Column("height_px", Integer, nullable=False),
    Column("duration_s", Float),
    Column("frames", Integer),
    Column("frames_done", Integer, nullable=False),
    Column("fps", Float),
    Column("detections", Integer),
    Column("tracks", Integer),
    Column("error", Text),
    Column("created_at", Float, nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("attempts", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("lease_owner", String(64)),
    Column("lease_until", Float),
    Index("jobs_by_state", "state", "queued_at"),
)

cameras = Table(
    "cameras",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("detect_url", Text),
    Column("username", Text),
    Column("password", Text),
    Column("confidence", Float),
    Column("classes", Text),  # names as a JSON list
    Column("max_fps", Float),
    Column("mask", Text, nullable=False),  # this and the next two as JSON
    Column("schedule", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("managed", Boolean, nullable=False),
    Column("snoozed_until", Float),
    Column("created_at", Float, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("stream_id", Text, nullable=False),
    Column("camera_id", String(32)),
    Column("source_name", Text, nullable=False),
    Column("source_kind", String(16), nullable=False),
    Column("label", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("track_id", Integer, nullable=False),
    Column("xyxy", Text, nullable=False),  # as a JSON list
    Column("width_px", Integer, nullable=False),
    Column("height_px", Integer, nullable=False),
    Column("hits", Integer, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("in_view_s", Float, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("decided_at", Float),
    Column("decided_by", Text),
    Column("decided_zone", Text),
    Column("reason", Text),
    Column("note", Text),
    Column("clip", String(16), nullable=False),
    Column("clip_start_s", Float),
    Column("clip_duration_s", Float),
    Column("size_bytes", BigInteger, nullable=False),
    Index("alerts_by_time", "opened_at"),
    Index("alerts_by_state", "state", "opened_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("subject", String(32), nullable=False),
    Column("channel", Text, nullable=False),
    Column("event", String(16), nullable=False),
    Column("payload", Text, nullable=False),  # what the subject was when it was told, as JSON
    Column("state", String(16), nullable=False),
    Column("unsure", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("sent_at", Float),
    Column("error", Text),
    Index("deliveries_by_subject", "subject", "position"),
    Index("deliveries_due", "state", "next_try_at"),
)
