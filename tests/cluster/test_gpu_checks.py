"""What doctor says of this machine's networks and decoders, found by trying them."""

from __future__ import annotations

import pytest

from cluster.finding import Grade
from cluster.gpu_checks import decoder, inference
from cluster.settings import RegionSettings
from video.watch.hardware import nvdec_fault

without_gpu = pytest.mark.skipif(nvdec_fault() is None, reason="there is a GPU here that decodes")


def settings(**given: object) -> RegionSettings:
    return RegionSettings.model_validate(given)


def test_a_machine_without_a_gpu_is_good_enough() -> None:
    assert inference(settings(models={"provider": "cpu"})).found == "cpu (onnxruntime)"
    assert inference(settings()).grade is Grade.GOOD
    assert decoder(settings()).found == "cpu"


@without_gpu
def test_what_is_named_and_does_not_work_is_told() -> None:
    found = inference(settings(models={"provider": "cuda"}))
    assert found.grade is Grade.MISSING
    assert "CUDAExecutionProvider" in found.found
    assert decoder(settings(passes={"decoder": "auto"})).grade is Grade.GOOD
    found = decoder(settings(passes={"decoder": "nvdec"}))
    assert found.grade is Grade.OPTIONAL
    assert "cpu, where nvdec is wanted: GPU 0 does not open" in found.found
