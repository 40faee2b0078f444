"""Serve open-rppg over a pipe.

`rppgbench.external.open_rppg` runs this script with the Python that has open-rppg; the script
imports nothing of rppgbench. A question is a line of JSON (model, shape, fs, processed), followed
by the uint8 frames. The answer is a line of JSON (length, fs, quality and quality_times_s, or
error, or fault), followed by the pulse as float64. The script ends when its input ends.
"""

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

QUALITY_WINDOW_S = 10
"""Length of the windows of open-rppg's signal quality: it averages those of a whole video."""


def answer(rppg: Any, question: dict[str, Any], pixels: bytes) -> tuple[dict[str, Any], bytes]:
    """Run a new model on one clip, so that no state passes from one recording to the next.

    The pulse ends before its first value that is not a number, because cumulating, which the pulse
    of some models needs, would spread that value over all later samples. TS-CAN gives such values:
    in half precision it divides 0 by 0 where two consecutive frames are equal, as they are in the
    last block, which open-rppg fills up with the last frame.

    Args:
        rppg: open-rppg's module.
        question: model, shape (T, S, S, 3), fs in Hz, processed.
        pixels: the frames as uint8.

    Returns:
        The answer's header, and the pulse as float64; no pulse where the header has an error. The
        header holds open-rppg's signal quality, 0 to 1, at the middles of windows of 10 s.
    """
    faces = np.frombuffer(pixels, np.uint8).reshape(question["shape"])
    model = rppg.Model(question["model"])
    block = int(model.meta["input"][0])
    with model:
        for index, face in enumerate(faces):
            model.update_face(face, index / question["fs"])
    output = np.asarray(model.signal_buff.get("bvp", ()), np.float64)
    if not len(output):
        return {"error": f"needs {block} frames at {model.fps:g} a second without a gap"}, b""
    is_number = np.isfinite(output)
    if not is_number.all():
        model.signal_buff["bvp"] = list(output[: int(is_number.argmin())])
    values, _ = model.bvp(raw=not question["processed"])
    pulse = np.asarray(values, np.float64)
    if not len(pulse):
        return {"error": "gives no two seconds of numbers here"}, b""
    raw = np.asarray(model.bvp(raw=True)[0], np.float64)
    quality, times_s = signal_quality(rppg.main.SQI, raw, float(model.fps))
    header = {"length": len(pulse), "fs": float(model.fps)}
    return {**header, "quality": quality, "quality_times_s": times_s}, pulse.tobytes()


def signal_quality(
    sqi: Callable[..., float], pulse: np.ndarray, fs: float
) -> tuple[list[float], list[float]]:
    """open-rppg's signal quality in windows of 10 s, one each second.

    Args:
        sqi: open-rppg's `SQI`, which takes the pulse and its rate as `sr`.
        pulse: the pulse that open-rppg takes the quality of, before its band-pass filter.
        fs: samples per second.

    Returns:
        The qualities, 0 to 1, and the middles of their windows in seconds from the first sample. A
        shorter pulse has one quality.
    """
    length = min(round(QUALITY_WINDOW_S * fs), len(pulse))
    starts = range(0, len(pulse) - length + 1, max(round(fs), 1))
    quality = [float(sqi(pulse[start : start + length], sr=fs)) for start in starts]
    return quality, [(start + (length - 1) / 2) / fs for start in starts]


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the questions end; an exception of the model is an answer with a fault.

    Args:
        questions: stream of questions.
        answers: stream of answers.
    """
    rppg = importlib.import_module("rppg")
    while line := questions.readline():
        question = json.loads(line)
        pixels = questions.read(int(np.prod(question["shape"])))
        try:
            header, body = answer(rppg, question, pixels)
        except Exception as error:
            traceback.print_exc()
            header, body = {"fault": f"{type(error).__name__}: {error}"}, b""
        answers.write(json.dumps(header).encode() + b"\n" + body)
        answers.flush()


if __name__ == "__main__":
    # What a library prints goes to standard error: standard output holds answers alone.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as pipe:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        serve(sys.stdin.buffer, pipe)
