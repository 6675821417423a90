"""From a region's settings to what each actor is told. Pure: starts nothing."""

from __future__ import annotations

from pathlib import Path

from actors.archive import ArchiveOptions
from actors.clones import CloneOptions
from actors.health_watch import HealthOptions
from actors.ingest import IngestOptions
from actors.look_back import LookBackOptions
from actors.match import MatchOptions
from actors.networks import ModelChoice
from actors.publish import PublishOptions
from cluster.camera_rules import requirements, source_rules
from cluster.home import Home
from cluster.settings import RegionSettings
from index.clones import CloneRule
from index.traffic import Traffic
from models.runtime.session import GpuOptions, SessionOptions
from passes.options import PassOptions
from storage.crossings import Crossing
from video.health.camera import HealthSettings
from video.health.picture import PictureSettings
from video.packets.clip import ClipSettings
from video.packets.ring import RingSettings
from video.session import SessionSettings
from video.watch.gate import GateSettings
from video.watch.hardware import DecoderName, DecodeSettings
from video.watch.watcher import WatchSettings


def model_choice(settings: RegionSettings, home: Home) -> ModelChoice:
    """Which networks run, from the settings."""
    models, gpu = settings.models, settings.models.gpu
    return ModelChoice(
        folder=home.models,
        deny_licences=models.deny_licences,
        session=SessionOptions(
            threads=models.threads,
            provider=models.provider,
            max_batch=models.max_batch,
            copies=models.copies,
            records=models.records,
            batch_wait_s=None if models.batch_wait_ms is None else models.batch_wait_ms / 1000,
            gpu=GpuOptions(gpu.device, gpu.memory_mb, gpu.engines or home.engines, gpu.half),
        ),
        plate_detector=models.plate_detector,
        plate_reader=models.plate_reader,
        vehicle_detector=models.vehicle_detector,
        vehicles=settings.passes.vehicle_type,
        looks=settings.passes.appearance,
        faces=settings.alerts.blur_faces,
    )


def ingest_options(settings: RegionSettings, folder: Path, decoder: DecoderName | None = None) -> IngestOptions:
    """What an ingest keeps to; its ring is long enough for a clip's pre-roll and the time a hit takes to be found.

    ``decoder``: instead of the region's.
    """
    passes, clips = settings.passes, settings.clips
    return IngestOptions(
        folder=folder,
        workers=passes.workers,
        rules=source_rules(settings),
        session=SessionSettings(
            watch=WatchSettings(
                fps=passes.detect_fps,
                gate=GateSettings() if passes.gate else None,
                decoding=DecodeSettings(decoder or passes.decoder, settings.models.gpu.device),
            ),
            ring=RingSettings(seconds=clips.pre_s + clips.post_s + 14.0, bytes=clips.ring_mb * 2**20),
            clip=ClipSettings(pre_s=clips.pre_s, post_s=clips.post_s, max_s=clips.longest_s),
        ),
        passes=PassOptions(detect_fps=passes.detect_fps),
        health=health_options(settings),
        longest_clip_s=clips.longest_s,
        retention_hours=settings.retention.reads_h,
    )


def health_options(settings: RegionSettings) -> HealthOptions | None:
    """How cameras' health is judged; None where it is not."""
    health = settings.health
    if not health.enabled:
        return None
    return HealthOptions(
        judging=HealthSettings(
            every_s=health.every_s,
            raise_s=health.raise_s,
            clear_s=health.clear_s,
            picture_s=health.picture_s,
            dark_s=health.dark_s,
            picture=PictureSettings(every_s=health.every_s),
            required=requirements(settings),
        ),
        history_every_s=health.history_every_s,
    )


def match_options(settings: RegionSettings) -> MatchOptions:
    """What reads are weighed by: the road, and what its operators will bear."""
    matching = settings.matching
    traffic = Traffic(
        fleet=matching.fleet,
        activity=matching.listed_activity,
        clustering=matching.series_clustering,
        passes_per_camera_day=matching.passes_per_camera_day,
        false_alerts_per_camera_day=matching.false_alerts_per_camera_day,
        lowest_threshold=matching.lowest_threshold,
    )
    return MatchOptions(traffic, settings.alerts.threshold)


def publish_options(settings: RegionSettings, folder: Path) -> PublishOptions:
    return PublishOptions(
        folder=folder,
        retention_hours=settings.retention.reads_h,
        events_days=settings.retention.events_days,
        health_days=settings.health.history_days,
        same_alert_within_s=settings.alerts.same_within_s,
        clones=clone_options(settings),
        crossings=_crossings(settings),
    )


def look_back_options(settings: RegionSettings) -> LookBackOptions:
    return LookBackOptions(same_alert_within_s=settings.alerts.same_within_s, crossings=_crossings(settings))


def _crossings(settings: RegionSettings) -> tuple[Crossing, ...]:
    return tuple(Crossing(each.id, each.cameras, each.within_s) for each in settings.alerts.crossings)


def clone_options(settings: RegionSettings) -> CloneOptions:
    """What is taken for a cloned plate; readings are remembered for it no longer than reads are kept."""
    clones = settings.matching.clones
    rule = CloneRule(
        fastest_kmh=clones.fastest_kmh,
        road_factor=clones.road_factor,
        least_score=clones.least_score,
        least_distance_km=clones.least_distance_km,
        clock_error_s=clones.clock_error_s,
        memory_h=min(float(settings.retention.reads_h), CloneRule().memory_h),
        again_after_h=clones.again_after_h,
    )
    return CloneOptions(rule, tuple((*road.between, road.km) for road in clones.roads), clones.enabled)


def archive_options(settings: RegionSettings, folder: Path) -> ArchiveOptions:
    return ArchiveOptions(folder=folder, hits_days=settings.retention.hits_days)
