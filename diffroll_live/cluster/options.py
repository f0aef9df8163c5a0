"""What the commands of a cluster take, as `limits` has it for all others."""

from __future__ import annotations

from diffroll_live.limits import Limit, Text
from diffroll_live.notation.addresses import parse_head

HEAD = Text(parse_head, default="", sentence="Join the cluster of this head, instead of being one.")

#: How a machine takes part; None leaves a number to Ray.
NODE: dict[str, Limit] = {
    "port": Limit(1, 65_535, whole=True, default=6379, sentence="The head's port, to which other nodes come."),
    "client_port": Limit(1, 65_535, whole=True, default=10_001, sentence="The head's port for daemons and archives."),
    "cores": Limit(0, 4096, whole=True, sentence="CPU cores to give; otherwise all."),
    "gpus": Limit(0, 64, whole=True, sentence="GPUs to give; otherwise all."),
    "store": Limit(80, 1 << 20, whole=True, unit="MiB", sentence="Memory for audio on its way, in MiB."),
}

#: What is deployed.
REPLICAS: dict[str, Limit] = {
    "least": Limit(1, 4096, whole=True, default=1, sentence="Engines that there always are."),
    "most": Limit(1, 4096, whole=True, sentence="Engines at most, where much is asked; otherwise no more than always."),
    "cores": Limit(1, 1024, whole=True, default=1, sentence="CPU cores of each."),
    "gpus": Limit(0, 64, default=0.0, sentence="GPUs of each; a fraction lets several share one."),
}
