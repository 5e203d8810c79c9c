"""Metrics: snapshots in Prometheus' text form."""

from prometheus_client.parser import text_string_to_metric_families

from server.domain.alert import AlertStats
from server.domain.model import ModelInfo
from server.inference.pool import PoolStats
from server.metrics import METRIC_NAMES, Metrics, Snapshot, VideoStats
from server.pipeline.freshness import FreshnessMeter
from server.pipeline.stats import LiveStats
from server.pipeline.tuning import InputLevel

MODEL = ModelInfo("m", ("firearm",), 0.4, 0.7, 320, "bf16", ("openvino", "1"))
POOL = PoolStats(workers=2, waiting=1, busy=1, completed=7, failed=1, busy_s=1.5)


def _snapshot(*, loaded: bool = True) -> Snapshot:
    meter = FreshnessMeter()
    for age_ms in (30.0, 60.0, 9000.0):
        meter.record_picture(age_ms)
    live = LiveStats(10, 4, 6, meter.delivered, 0, meter.age.stats(), meter.box_age.stats())
    answers = {200: 3, 415: 1}
    return Snapshot(
        loaded,
        sessions=1,
        capacity=8,
        live=live,
        predict_answers=answers,
        model=MODEL if loaded else None,
        pool=POOL if loaded else None,
        detections_fps=67.5 if loaded else None,
        streams_short=True,
        streams_slowed=2,
        input_level=InputLevel(480, "streams"),
        cameras={"live": 2, "unreachable": 1},
        alerts=AlertStats({"candidate": 4, "dismissed": 3}, waiting=1, lost=0),
        deliveries={("guards", "sent"): 7, ("guards", "retried"): 2},
        videos=VideoStats({"queued": 2, "running": 1}, {"done": 5, "crashed": 1}, frames=900, seconds=30.5),
    )


def _samples(snapshot: Snapshot) -> dict[tuple[str, str], float]:
    text = Metrics(lambda: snapshot).render().decode()
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_name_is_told() -> None:
    """What the documents list is what comes out."""
    text = Metrics(_snapshot).render().decode()
    told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert told == set(METRIC_NAMES)


def test_numbers_are_those_of_the_snapshot() -> None:
    """Counters, gauges and labels carry the snapshot's values."""
    samples = _samples(_snapshot())
    assert samples["sightline_frames_dropped_total", ""] == 4
    assert samples["sightline_predict_requests_total", "415"] == 1
    assert samples["sightline_detector_busy_seconds_total", ""] == 1.5
    assert samples["sightline_model_info", "m,bf16,openvino 1"] == 1
    assert samples["sightline_alerts_total", "dismissed"] == 3
    assert samples["sightline_alerts_waiting", ""] == 1
    assert samples["sightline_deliveries_total", "guards,retried"] == 2
    assert samples["sightline_detector_throughput", ""] == 67.5
    assert samples["sightline_live_streams_short", ""] == 1
    assert samples["sightline_live_streams_slowed", ""] == 2
    assert samples["sightline_live_input_size_pixels", "streams"] == 480
    assert samples["sightline_videos", "queued"] == 2
    assert samples["sightline_cameras", "unreachable"] == 1
    assert samples["sightline_video_checks_total", "crashed"] == 1
    assert samples["sightline_video_frames_total", ""] == 900
    assert samples["sightline_video_seconds_total", ""] == 30.5


def test_ages_are_a_histogram_in_seconds() -> None:
    """Buckets add up from the bottom, the last one holds all."""
    samples = _samples(_snapshot())
    assert samples["sightline_box_age_seconds_bucket", "0.025"] == 0
    assert samples["sightline_box_age_seconds_bucket", "0.05"] == 1
    assert samples["sightline_box_age_seconds_bucket", "0.075"] == 2
    assert samples["sightline_box_age_seconds_bucket", "+Inf"] == 3
    assert samples["sightline_box_age_seconds_sum", ""] == 9.09


def test_a_model_that_is_still_loading_is_left_out() -> None:
    """Readiness is 0 and nothing is said of the detector."""
    samples = _samples(_snapshot(loaded=False))
    assert samples["sightline_ready", ""] == 0
    assert not [name for name, _ in samples if "detector" in name or "model" in name]
