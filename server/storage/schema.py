"""The tables. Whoever changes them raises VERSION and brings the migration that leads there from the version before."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

VERSION = 1
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
