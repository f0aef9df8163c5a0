"""Speech as audio without notes: texts and voices of eSpeak NG, which only the evaluation needs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from diffroll_live.errors import FileMissing, InternalError
from diffroll_live.files.audio_file import read_audio
from diffroll_live.types import AudioBuffer, Floats

PROGRAM = "espeak-ng"
RATE = 22_050  # Hz, of all voices
TIMEOUT = 60.0  # s per voice
PAUSE = 0.4  # s between voices
LEVEL = 0.1  # RMS of a voice
TEXTS: dict[str, str] = {
    "en-us": "The train from the coast was late again, so we walked along the river and counted eleven barges before "
    "it began to rain. Nobody had thought of an umbrella, and the baker let us wait under the awning until five.",
    "en-gb": "Would you put the second ladder beside the shed, please? I shall need both of them on Thursday, when the "
    "gutters are to be cleaned, and I would rather not carry anything across the garden twice.",
    "de": "Heute früh lag Nebel über den Feldern, und der Bus fuhr ohne Licht an der Haltestelle vorbei. Wir haben "
    "dann eben den nächsten genommen und sind trotzdem pünktlich gewesen.",
    "fr": "La réunion commence à neuf heures, mais la salle du premier étage est fermée jusqu'à lundi. Il faudra donc "
    "monter les chaises au deuxième et prévenir ceux qui arrivent de loin.",
    "it": "Nel cassetto di sinistra ci sono le forbici, lo spago e due candele. Se manca la corrente, il vicino ha una "
    "lampada che funziona ancora molto bene.",
    "es": "Mañana por la tarde llegan los primos de mi padre con tres maletas y un perro muy pequeño. Dormirán en la "
    "habitación que da al patio, porque es la más tranquila.",
}
VARIANTS = ("", "+f2", "+m3", "+croak", "+whisper")


def speech(seconds: float, seed: int) -> AudioBuffer:
    """Several voices that talk one after the other, for ``seconds``.

    Raises FileMissing without eSpeak NG, InternalError if it fails.
    """
    if shutil.which(PROGRAM) is None:
        raise FileMissing(
            "eSpeak NG is not installed, and the evaluation needs its voices: apt-get install espeak-ng, or an "
            "equivalent. Nothing else needs it."
        )
    rng = np.random.default_rng(seed)
    parts: list[Floats] = []
    while sum(map(len, parts)) < seconds * RATE:
        language = str(rng.choice(list(TEXTS)))
        voice = language + str(rng.choice(VARIANTS))
        said = _say(TEXTS[language], voice, pace=int(rng.integers(120, 210)), pitch=int(rng.integers(20, 80)))
        parts += [said, np.zeros(int(PAUSE * RATE), np.float32)]
    return AudioBuffer("speech", np.concatenate(parts)[: int(seconds * RATE)], RATE)


def _say(text: str, voice: str, *, pace: int, pitch: int) -> Floats:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        command = [PROGRAM, "-v", voice, "-s", str(pace), "-p", str(pitch), "-w", str(path), text]
        done = subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT)
        if done.returncode or not path.is_file():
            reason = done.stderr.decode(errors="replace").strip()
            raise InternalError(f"{PROGRAM} could not speak with the voice {voice} ({reason}).")
        samples = read_audio(path).samples
    return np.asarray(samples * (LEVEL / (float(np.sqrt(np.mean(samples**2))) + 1e-9)), np.float32)
