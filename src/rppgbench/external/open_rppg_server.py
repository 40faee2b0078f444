"""open-rppg behind a pipe, in an interpreter of its own.

Run by `rppgbench.external.open_rppg` with whatever Python has open-rppg; it imports nothing of
rppgbench. A question is a line of JSON (model, shape, fs, processed) and the uint8 pictures; the
answer is a line of JSON (length and fs, or error) and the pulse as float64. It ends with its input.
"""

import importlib
import json
import os
import sys
import traceback
from typing import Any, BinaryIO

import numpy as np


def answer(rppg: Any, question: dict[str, Any], pixels: bytes) -> tuple[dict[str, Any], bytes]:
    """One clip through a fresh model: its state must not go from one recording to the next.

    Of a pulse that ends in values that are not numbers the part before them is given: summing up,
    as some models' pulses need, would spread them over all of it. That happens to TS-CAN, whose
    half precision divides 0 by 0 where two pictures in a row are equal, as in the last block, which
    open-rppg fills up with its last picture.
    """
    faces = np.frombuffer(pixels, np.uint8).reshape(question["shape"])
    model = rppg.Model(question["model"])
    block = int(model.meta["input"][0])
    with model:
        for number, face in enumerate(faces):
            model.update_face(face, number / question["fs"])
    held = np.asarray(model.signal_buff.get("bvp", ()), np.float64)
    if not len(held):
        return {"error": f"needs {block} pictures at {model.fps:g} a second at a stretch"}, b""
    known = np.isfinite(held)
    if not known.all():
        model.signal_buff["bvp"] = list(held[: int(known.argmin())])
    values, _ = model.bvp(raw=not question["processed"])
    pulse = np.asarray(values, np.float64)
    if not len(pulse):
        return {"error": "gives no two seconds of numbers here"}, b""
    return {"length": len(pulse), "fs": float(model.fps)}, pulse.tobytes()


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the questions end; a fault of the model is an answer too."""
    rppg = importlib.import_module("rppg")
    while line := questions.readline():
        question = json.loads(line)
        pixels = questions.read(int(np.prod(question["shape"])))
        try:
            head, body = answer(rppg, question, pixels)
        except Exception as error:
            traceback.print_exc()
            head, body = {"fault": f"{type(error).__name__}: {error}"}, b""
        answers.write(json.dumps(head).encode() + b"\n" + body)
        answers.flush()


if __name__ == "__main__":
    # Whatever a library prints must not come between the answers.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as pipe:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        serve(sys.stdin.buffer, pipe)
