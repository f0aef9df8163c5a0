"""Run Basic Pitch on the WAV files of a folder and print its notes as JSON; runs in an environment of its own.

It imports nothing of this package, so that any Python with ``basic-pitch[onnx]`` can run it: ``python
basic_pitch_job.py FOLDER THRESHOLD [THRESHOLD ...]``. One line per file: its name, the seconds it took, and for each
onset threshold the rows (onset s, offset s, pitch, velocity).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

FRAME_THRESHOLD = 0.3  # Basic Pitch's own
SHORTEST_FRAMES = 11  # per note; its default of 127.7 ms


def main(folder: Path, thresholds: list[float]) -> None:
    """Run every file once, and decode notes with each threshold."""
    from basic_pitch import FilenameSuffix, build_icassp_2022_model_path
    from basic_pitch.inference import Model, run_inference
    from basic_pitch.note_creation import model_output_to_notes

    model = Model(build_icassp_2022_model_path(FilenameSuffix.onnx))
    paths = sorted(folder.glob("*.wav"))
    run_inference(paths[0], model)  # warm-up
    for path in paths:
        begin = time.perf_counter()
        output = run_inference(path, model)
        rows, spent = {}, 0.0
        for threshold in thresholds:
            _, events = model_output_to_notes(output, threshold, FRAME_THRESHOLD, min_note_len=SHORTEST_FRAMES)
            spent = spent or time.perf_counter() - begin
            rows[str(threshold)] = [[float(a), float(b), int(p), float(v) * 127] for a, b, p, v, *_ in events]
        print(json.dumps({"file": path.name, "seconds": spent, "notes": rows}), flush=True)  # noqa: T201 - its output


if __name__ == "__main__":
    main(Path(sys.argv[1]), [float(text) for text in sys.argv[2:]])
